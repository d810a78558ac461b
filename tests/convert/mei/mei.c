// SPDX-License-Identifier: GPL-2.0-only
/*
 * mei - connect to the client of mei_mock's firmware, through /dev/mei0
 *
 *	mei connect SECONDS	print the error, or OK, and the milliseconds; then stay so long
 *	mei later SECONDS	the same, but connect only 0.3 s after the file was opened
 *	mei open SECONDS	only open the file, and stay so long
 */
#include "client.h"

#include <linux/mei.h>
#include <sys/ioctl.h>

int main(int argc, char **argv)
{
	struct mei_connect_client_data data = {
		.in_client_uuid = { {
			0x78, 0x56, 0x34, 0x12, 0x34, 0x12, 0x78, 0x56,
			0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x34, 0x56, 0x78,
		} },
	};
	double began = now();
	int fd, failed = 0;

	if (argc != 3)
		die("see the top of mei.c for what to say");
	fd = open("/dev/mei0", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die("/dev/mei0: %m");
	if (!strcmp(argv[1], "later"))
		sleep_ms(300);
	if (strcmp(argv[1], "open")) {
		failed = ioctl(fd, IOCTL_MEI_CONNECT_CLIENT, &data);
		printf("%s %.0f\n", failed ? strerrorname_np(errno) : "OK", (now() - began) * 1000);
		fflush(stdout);
	}
	sleep_ms(atoi(argv[2]) * 1000);
	return !!failed;
}
