// SPDX-License-Identifier: GPL-2.0
/*
 * The module that is installed for the running kernel, and whether the loaded
 * one is it.  Not for how it is built, see doctor_build.c.
 */
#include <stdlib.h>
#include <string.h>

#include "installed.h"
#include "kernel.h"
#include "ops.h"
#include "text.h"

static char *read_source(void)
{
	char *provider = ops_module_field("fuse_source_provider");
	char *version = ops_module_field("fuse_source_version");
	char *hash = ops_module_field("fuse_source_hash");
	char *source = NULL;

	if (provider && version && hash)
		source = text_format("%s %s %s", provider, version, hash);
	free(hash);
	free(version);
	free(provider);
	return source;
}

/* The loaded one's value is freed. */
static bool same(char *loaded, const char *installed)
{
	bool result = loaded && installed && !strcmp(loaded, installed);

	free(loaded);
	return result;
}

/*
 * srcversion covers our own files, the source line those of the distro; a
 * module that a rebuild from the same of both gave is the same one.
 */
void installed_read(struct installed *installed)
{
	char *checksum = ops_module_field("srcversion");

	installed->path = ops_module_field("filename");
	installed->version = ops_module_field("version");
	installed->source = read_source();
	installed->same = installed->path && kernel_loaded() &&
		same(kernel_attribute("version"), installed->version) &&
		same(kernel_attribute("source"), installed->source) &&
		same(kernel_module_attribute("srcversion"), checksum);
	free(checksum);
}

void installed_free(struct installed *installed)
{
	free(installed->source);
	free(installed->version);
	free(installed->path);
	memset(installed, 0, sizeof(*installed));
}
