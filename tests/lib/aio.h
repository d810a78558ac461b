/* SPDX-License-Identifier: GPL-2.0-only */
/* Asynchronous requests by bare system calls, for programs that must know each call. */
#ifndef _AIO_H
#define _AIO_H

#include <linux/aio_abi.h>
#include <sys/syscall.h>

#include "client.h"

/* Make a context for this many requests; 0 if the kernel has no asynchronous I/O. */
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

#endif /* _AIO_H */
