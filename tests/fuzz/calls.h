/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random system calls on two devices' nodes. Each call is made in four steps: begin()
 * describes the call, allow() is called for each errno that sim_dev.4 gives, the
 * call is made, and end() compares the result.
 */
#ifndef _FUZZ_CALLS_H
#define _FUZZ_CALLS_H

#include "fuzz.h"

#include <sys/uio.h>

#include "aio.h"

#define NR_SLOTS	12
#define NR_SHARED	4	/* the first slots: files that processes share */
#define SLOT_FD		100	/* the first slot's file descriptor; open() gives lower ones */

enum { BLOCKS, NONBLOCK, UNSURE };

/* What is known of a file. Its slot's number tells node and device. */
struct slot {
	bool open;
	bool path;
	int access;
	int nonblock;
};

#define MAX_FLIGHTS	16

/* An asynchronous operation in progress, and what it may end with. */
struct flight {
	bool busy;
	enum op which;
	unsigned int slot;
	size_t len;
	bool allowed[NR_ERRNOS];
};

struct caller {
	struct worker *worker;
	uint64_t r;
	unsigned long quota;
	unsigned int number;
	unsigned int first;	/* the lower one of its two devices */
	bool unbinding;		/* the devices are unbound and bound meanwhile */
	bool threads;		/* other threads use the same slots */
	bool patient;		/* signals are so rare that requests time out */
	struct slot *slots;
	uint8_t *arena;
	bool allowed[NR_ERRNOS];	/* errnos that the call in progress may give */
	aio_context_t aio;
	struct flight flights[MAX_FLIGHTS];
};

static inline unsigned int slot_device(const struct caller *c, unsigned int i)
{
	return c->first + (i >> 1 & 1);
}

static inline bool slot_is_ctl(unsigned int i)
{
	return i & 1;
}

/* A buffer: of @len bytes, @avail can be used. */
struct buffer {
	uint8_t *p;
	size_t len, avail;
	bool wild;	/* the kernel may refuse it before the driver sees it */
};

/* Up to 4 buffers for readv() or writev(), and their sums. */
struct vector {
	struct iovec iov[4];
	int nr;
	size_t len, avail;
	bool wild;		/* one of the buffers is wild */
	bool short_of;		/* @avail is less than @len */
};

__attribute__((format(printf, 2, 3)))
void begin(struct caller *c, const char *format, ...);
void allow(struct caller *c, int err, bool when);
void end(struct caller *c, enum op which, long ret, bool good);

void allow_slot(struct caller *c, unsigned int i, int mode);
void allow_wild(struct caller *c, bool wild);
void allow_request(struct caller *c, unsigned int i);
void allow_result(struct caller *c, unsigned int i);
bool may_write(const struct caller *c, unsigned int i);

unsigned int any_slot(struct caller *c);
unsigned int slot_of(struct caller *c, bool ctl);
unsigned int own_slot(struct caller *c);
struct buffer any_buffer(struct caller *c, size_t usual);
off_t any_offset(struct caller *c);

/* calls_rw.c: what transfers data */
void data_write(struct caller *c);
void data_burst(struct caller *c);
void data_writev(struct caller *c);
void data_read(struct caller *c);
void data_readv(struct caller *c);
void ctl_write(struct caller *c);
void ctl_writev(struct caller *c);
void ctl_read(struct caller *c);
void ctl_readv(struct caller *c);
void any_pread(struct caller *c);
void any_pwrite(struct caller *c);
void any_preadv2(struct caller *c);
void any_pwritev2(struct caller *c);
void any_splice(struct caller *c);
void any_sendfile(struct caller *c);
void any_fsync(struct caller *c);
void any_aio(struct caller *c);

/* calls_file.c: everything else */
void any_poll(struct caller *c);
void any_epoll(struct caller *c);
void any_lseek(struct caller *c);
void any_ioctl(struct caller *c);
void any_mmap(struct caller *c);
void any_open(struct caller *c);
void any_close(struct caller *c);
void any_dup(struct caller *c);
void any_setfl(struct caller *c);
void any_fcntl(struct caller *c);
void any_ftruncate(struct caller *c);
void any_fallocate(struct caller *c);
void attr_read(struct caller *c);
void attr_write(struct caller *c);
void budget_write(struct caller *c);
void bind_write(struct caller *c);

#endif /* _FUZZ_CALLS_H */
