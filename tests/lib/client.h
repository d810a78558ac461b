/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the programs that use sim_dev from user space. Include this before any
 * other header, since it defines _GNU_SOURCE.
 */
#ifndef _CLIENT_H
#define _CLIENT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define ATTR_PATH	"/sys/bus/platform/devices/sim_dev.%u/%s"
#define DRIVER		"/sys/bus/platform/drivers/sim_dev/"
#define MAX_REQUEST	4096	/* bytes */
#define MAX_RESULTS	64	/* unread or outstanding requests of a file */
#define MAX_CTL		2048	/* bytes that a control node shows, at most */

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

/* A device's attributes, the writable ones first. */
static const char *const attr_names[] = {
	"timeout", "reset_timeout", "max_retries",
	"state", "counter", "submitted", "completed", "failed", "cancelled", "timeouts",
	"resets", "reset_failures", "retries", "late", "spurious", "missed",
};

#define NR_ATTRS	ARRAY_SIZE(attr_names)
#define NR_SETTINGS	3

/* Print a note, each line of the text behind "# ". */
static inline void vnote(const char *format, va_list args)
{
	char text[4096], *rest = text, *line;

	vsnprintf(text, sizeof(text), format, args);
	while ((line = strsep(&rest, "\n")))
		if (*line || rest)
			printf("# %s\n", line);
}

static inline __attribute__((format(printf, 1, 2)))
void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vnote(format, args);
	va_end(args);
}

/* Say why, and end the process with status 1. */
static inline __attribute__((noreturn, format(printf, 1, 2)))
void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("Bail out! ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	exit(1);
}

/* Memory that this process and its children share, all zeros. */
static inline void *shared_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("no memory: %m");
	return p;
}

/* Seconds since boot. */
static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Sleep for all of the time, signals or not. */
static inline void sleep_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000l };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
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

/* Read a file's beginning as a string; its length, or -1 and errno. */
static inline ssize_t get(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	ssize_t len = fd < 0 ? -1 : read(fd, text, size - 1);

	err = errno;
	text[len < 0 ? 0 : len] = '\0';
	if (fd >= 0)
		close(fd);
	errno = err;
	return len;
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

/* Write a text to a file; 0 or an errno. */
static inline int put(const char *path, const char *text)
{
	return write_and_close(open(path, O_WRONLY | O_CLOEXEC), text, strlen(text));
}

/* Print the file of that name as a note. */
static inline __attribute__((format(printf, 1, 2)))
void note_file(const char *format, ...)
{
	char path[64], text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	get(path, text, sizeof(text));
	note("%s:\n%s", path, text);
}

/* Open a device's data node, or control node. */
static inline int open_node(unsigned int device, bool ctl, int flags)
{
	char name[64];

	snprintf(name, sizeof(name), "/dev/sim_dev%u%s", device, ctl ? "_ctl" : "");
	return open(name, flags | O_CLOEXEC);
}

/* The value of "key: " in what a control node shows; false if there is none. */
static inline bool find_value(const char *text, const char *key, long long *value)
{
	char pattern[64];
	const char *at;

	snprintf(pattern, sizeof(pattern), "\n%s: ", key);
	at = strstr(text, pattern);
	if (at)
		*value = strtoll(at + strlen(pattern), NULL, 10);
	return at;
}

/* A value that the control node shows. */
static inline long long ctl_value(unsigned int device, const char *key)
{
	char text[MAX_CTL], path[64];
	long long value;

	snprintf(path, sizeof(path), "/dev/sim_dev%u_ctl", device);
	if (get(path, text, sizeof(text)) < 0)
		die("cannot read the control node of device %u: %m", device);
	if (!find_value(text, key, &value))
		die("the control node of device %u does not show '%s'", device, key);
	return value;
}

/* Write commands to a control node; 0 or an errno. */
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

static inline int open_attr(unsigned int device, const char *name, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), ATTR_PATH, device, name);
	return open(path, flags | O_CLOEXEC);
}

/* Set a device's attribute, "timeout" for example; 0 or an errno. */
static inline int set_attr(unsigned int device, const char *name, unsigned int value)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", value);

	return write_and_close(open_attr(device, name, O_WRONLY), text, len);
}

/* Bind a device to its driver, or unbind it; 0 or an errno. */
static inline int bind_device(unsigned int device, bool bind)
{
	char name[32];

	snprintf(name, sizeof(name), "sim_dev.%u", device);
	return put(bind ? DRIVER "bind" : DRIVER "unbind", name);
}

#endif /* _CLIENT_H */
