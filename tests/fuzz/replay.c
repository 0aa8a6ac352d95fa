/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>

#include "base/file.h"
#include "tests/fuzz/fuzz.h"

#define SEED_MAX (1U << 20)

/* Runs the target over every file of a directory: replay DIRECTORY. Exits 1 when there is none. */
int main(int argc, char *argv[])
{
	struct dirent *entry;
	unsigned int n = 0;
	DIR *dir;

	if (argc != 2 || !(dir = opendir(argv[1]))) {
		fprintf(stderr, "usage: %s DIRECTORY-OF-SEEDS\n", argv[0]);
		return 1;
	}
	while ((entry = readdir(dir))) {
		_cleanup_(secret_done) struct secret seed = SECRET_INIT;
		char path[PATH_MAX];
		int r;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		r = file_read(path, SEED_MAX, &seed);
		if (r < 0) {
			fprintf(stderr, "%s: cannot be read (errno %d)\n", path, -r);
			return 1;
		}
		LLVMFuzzerTestOneInput(seed.data, seed.len);
		n++;
	}
	closedir(dir);
	printf("%u seeds of %s\n", n, argv[1]);
	return n > 0 ? 0 : 1;
}
