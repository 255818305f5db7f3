// SPDX-License-Identifier: GPL-2.0
/*
 * What is to be written so that the policy is in force, and writing it.  Not
 * for what the policy says, see policy.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "fusectl.h"
#include "kernel.h"
#include "text.h"

static void add_step(struct plan *plan, const struct plan_step *step)
{
	plan->step = memory_grow(plan->step, plan->count + 1,
				 sizeof(*plan->step));
	plan->step[plan->count++] = *step;
}

int plan_module(struct plan *plan, const struct policy *policy)
{
	int toggle;

	for (toggle = 0; toggle < TOGGLE_COUNT; toggle++) {
		const char *word = policy->module[toggle].word;
		struct plan_step step = {
			.module = true,
			.toggle = toggle_names[toggle],
			.word = word,
		};
		char *name;

		if (!word)
			continue;
		name = text_format("parameters/%s", step.toggle);
		step.old = kernel_module_attribute(name);
		free(name);
		if (!step.old)
			return kernel_write_failed(step.toggle, word,
						   "module-wide", -errno);
		if (!strcmp(step.old, word)) {
			free(step.old);
			continue;
		}
		step.where = text_copy("module-wide");
		add_step(plan, &step);
	}
	return STATUS_OK;
}

static bool is_gone(int error)
{
	return error == -ENOENT || error == -ENODEV;
}

int plan_connection(struct plan *plan, const struct policy *policy,
		    const struct connections *connections,
		    unsigned int connection)
{
	const struct mount *mount = connections_mount(connections, connection);
	const struct policy_setting *setting;
	int toggle;

	for (toggle = 0; mount && toggle < TOGGLE_COUNT; toggle++) {
		struct plan_step step = {
			.connection = connection,
			.toggle = toggle_names[toggle],
		};

		setting = policy_setting(policy, &connections->mounts,
					 connection, toggle);
		if (!setting)
			continue;
		step.word = setting->word;
		step.old = kernel_connection_file(connections->own_place,
						  connection, step.toggle);
		if (!step.old && is_gone(-errno))
			continue;
		if (!step.old)
			return kernel_write_failed(step.toggle, step.word,
						   mount->target, -errno);
		if (!strcmp(step.old, step.word)) {
			free(step.old);
			continue;
		}
		step.where = text_copy(mount->target);
		step.place = text_copy(connections->own_place);
		add_step(plan, &step);
	}
	return STATUS_OK;
}

static void tell(const struct plan_step *step)
{
	char *where = text_printable(step->where, false);

	if (step->module)
		printf("%s: %s: %s -> %s\n", where, step->toggle, step->old,
		       step->word);
	else
		printf("%s (connection %u): %s: %s -> %s\n", where,
		       step->connection, step->toggle, step->old, step->word);
	/* of a watcher the lines are read as they come */
	fflush(stdout);
	free(where);
}

static int run_step(const struct plan_step *step, bool dry)
{
	if (dry)
		return kernel_would_take(step->place, step->connection,
					 step->toggle, step->word);
	if (step->module)
		return kernel_module_write(step->toggle, step->word);
	return kernel_connection_write(step->place, step->connection,
				       step->toggle, step->word);
}

int plan_run(const struct plan *plan, bool dry, bool verbose)
{
	int status = STATUS_OK, one, ret;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		const struct plan_step *step = &plan->step[i];

		ret = run_step(step, dry);
		if (!ret && (dry || verbose))
			tell(step);
		if (!ret || (!step->module && is_gone(ret)))
			continue;
		one = kernel_write_failed(step->toggle, step->word, step->where,
					  ret);
		status = status ? status : one;
	}
	return status;
}

void plan_free(struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->count; i++) {
		free(plan->step[i].where);
		free(plan->step[i].place);
		free(plan->step[i].old);
	}
	free(plan->step);
	memset(plan, 0, sizeof(*plan));
}
