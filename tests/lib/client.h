/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the programs that drive sim_dev from user space. */
#ifndef _CLIENT_H
#define _CLIENT_H

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SYSFS "/sys/bus/platform/devices/sim_dev.%u/%s"

/* Say why, and end the process with status 1. */
static inline __attribute__((noreturn, format(printf, 1, 2)))
void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("FAILED  ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	exit(1);
}

/* Repeatable random numbers: splitmix64, one 64-bit state each. */
static inline uint64_t rng(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* 0 to n - 1 */
static inline unsigned int rng_below(uint64_t *state, unsigned int n)
{
	return rng(state) % n;
}

/* Open a device's data node, or control node. */
static inline int open_node(unsigned int device, bool ctl, int flags)
{
	char name[64];

	snprintf(name, sizeof(name), "/dev/sim_dev%u%s", device, ctl ? "_ctl" : "");
	return open(name, flags | O_CLOEXEC);
}

/* A value that the control node shows. */
static inline uint64_t ctl_value(unsigned int device, const char *key)
{
	char text[2048], *line;
	int fd = open_node(device, true, O_RDONLY);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	size_t key_len = strlen(key);

	if (len < 0)
		die("cannot read the control node of device %u: %m", device);
	close(fd);
	text[len] = '\0';
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, key, key_len) && line[key_len] == ':')
			return strtoull(line + key_len + 1, NULL, 10);
	die("the control node of device %u does not show '%s'", device, key);
}

/* Write a text to a file just opened, and close it; 0 or an errno. */
static inline int write_and_close(int fd, const char *text, int len)
{
	int err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, len) != len)
		err = errno;
	close(fd);
	return err;
}

/* Give a command to the silicon; 0 or an errno. */
static inline __attribute__((format(printf, 2, 3)))
int ctl_command(unsigned int device, const char *format, ...)
{
	char line[128];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	return write_and_close(open_node(device, true, O_WRONLY), line, len);
}

/* Set a device's attribute, "timeout" for one; 0 or an errno. */
static inline int set_attr(unsigned int device, const char *name, unsigned int value)
{
	char path[128], text[16];
	int len;

	snprintf(path, sizeof(path), SYSFS, device, name);
	len = snprintf(text, sizeof(text), "%u", value);
	return write_and_close(open(path, O_WRONLY | O_CLOEXEC), text, len);
}

/* Asynchronous requests, by the bare system calls of libaio */

/* A context for so many; 0 if the kernel has none. */
static inline aio_context_t aio_open(unsigned int nr)
{
	aio_context_t context = 0;

	if (syscall(SYS_io_setup, nr, &context) && errno != ENOSYS)
		die("io_setup: %m");
	return context;
}

/* Submit one operation, whose event will have this number; 0 or an errno. */
static inline int aio_submit(aio_context_t context, int fd, unsigned int opcode,
			     void *data, size_t len, uint64_t number)
{
	struct iocb iocb = {
		.aio_data = number, .aio_lio_opcode = opcode, .aio_fildes = fd,
		.aio_buf = (uintptr_t)data, .aio_nbytes = len,
	};
	struct iocb *list[] = { &iocb };

	return syscall(SYS_io_submit, context, 1, list) == 1 ? 0 : errno;
}

/* Wait for at least @least events; how many of at most @nr have come, or -1. */
static inline int aio_wait(aio_context_t context, unsigned int least, unsigned int nr,
			   struct io_event *events, struct timespec *timeout)
{
	return syscall(SYS_io_getevents, context, (long)least, (long)nr, events, timeout);
}

static inline void aio_close(aio_context_t context)
{
	syscall(SYS_io_destroy, context);
}

#endif /* _CLIENT_H */
