// SPDX-License-Identifier: GPL-2.0
/*
 * Checks of `fusectl doctor`: whether the kernel takes only signed modules, and
 * takes ours.  Not for signing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "files.h"
#include "ops.h"

#define SECURE_BOOT \
	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define KEY	"/var/lib/dkms/mok.pub"

/* four bytes of attributes, and one that is 1 */
static bool secure_boot(void)
{
	char *path = text_format("%s%s", ops_root(), SECURE_BOOT);
	FILE *file = fopen(path, "r");
	char bytes[5] = "";
	bool on;

	free(path);
	on = file && fread(bytes, 1, 5, file) == 5 && bytes[4] == 1;
	if (file)
		fclose(file);
	return on;
}

static bool file_says(const char *path, const char *word)
{
	char *text = file_read(path);
	bool found = text && strstr(text, word);

	free(text);
	return found;
}

static const char *enforced_by(void)
{
	if (file_says("/sys/module/module/parameters/sig_enforce", "Y"))
		return "the kernel takes only signed modules (sig_enforce)";
	if (file_says("/sys/kernel/security/lockdown", "[integrity]") ||
	    file_says("/sys/kernel/security/lockdown", "[confidentiality]"))
		return "the kernel is locked down and takes only signed modules";
	return secure_boot() ? "Secure Boot is on" : NULL;
}

static void check_signature(struct doctor *doctor)
{
	const char *const command[] = { "mokutil", "--test-key", KEY, NULL };
	const char *why = enforced_by();
	char *path = ops_module_field("filename");
	char *signer = ops_module_field("signer");
	char *output = NULL;

	/* what is loaded was taken */
	if (!why || !path || doctor->connections->loaded)
		goto out;
	if (!signer) {
		doctor_found(doctor, SEVERITY_PROBLEM,
			     text_format("%s isn't signed", path), why,
			     text_format("mokutil --import %s; fuse-ext-source fetch --rebuild %s",
					 KEY, doctor->kernel));
		goto out;
	}
	ops_run(command, &output);
	if (output && strstr(output, "already enrolled"))
		goto out;
	if (output && strstr(output, "not enrolled"))
		doctor_found(doctor, SEVERITY_PROBLEM,
			     text_format("Key was rejected by service: that of %s isn't enrolled",
					 signer), why,
			     text_format("mokutil --import %s; reboot and confirm it there",
					 KEY));
	else
		doctor_found(doctor, SEVERITY_UNCHECKED,
			     text_format("mokutil can't tell whether the key of %s is enrolled",
					 signer), why,
			     text_format("mokutil --test-key %s", KEY));
out:
	free(output);
	free(signer);
	free(path);
}

const struct check doctor_secure[] = {
	{ "signature", check_signature },
	{ NULL, NULL },
};
