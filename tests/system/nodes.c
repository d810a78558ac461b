// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls on the data node other than write() and read(): poll, epoll, splice,
 * sendfile, fsync, and the errors that fsync reports.
 */
#include "sim.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define PIPE_SIZE	65536

/* The byte at position i of a stream. */
static char byte_at(size_t i)
{
	return (i * 7 + i / 251) & 0xff;
}

static void fill(char *data, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		data[i] = byte_at(i);
}

/* Read all results of a file: their bytes, or -1 if one is wrong. */
static long drain(int fd)
{
	char data[MAX];
	long done = 0;
	ssize_t len, i;

	while ((len = read(fd, data, sizeof(data))) > 0)
		for (i = 0; i < len; i++)
			if (data[i] != byte_at(done++))
				return -1;
	return len < 0 ? -1 : done;
}

/* poll() */

SIM_TEST(pollin_when_read_would_not_block)
{
	double began;

	EXPECT_EQ(POLLIN | POLLOUT, polled(self->fd, POLLIN | POLLOUT, 0));
	EXPECT_EQ(0, read(self->fd, self->text, 10));	/* end of file */
	ctl("latency 1000");
	nonblock(self->fd, true);
	write_str(self->fd, "x");
	EXPECT_EQ(POLLOUT, polled(self->fd, POLLIN | POLLOUT, 0));
	EXPECT_EQ(-EAGAIN, read_str(self->fd, self->text, 10));
	began = now();
	EXPECT_EQ(POLLIN, polled(self->fd, POLLIN, 10000));
	EXPECT_LE(0.9, now() - began);
	EXPECT_GT(1.1 + slack(), now() - began);
	EXPECT_READ("x");
	EXPECT_EQ(POLLIN, polled(self->fd, POLLIN, 0));
	EXPECT_EQ(0, read_str(self->fd, self->text, 10));
}

SIM_TEST(pollin_by_access_mode)
{
	int rd = open(NODE, O_RDONLY), wr = open(NODE, O_WRONLY);

	EXPECT_EQ(POLLIN, polled(rd, POLLIN, 0));
	EXPECT_EQ(0, polled(wr, POLLIN, 100));
	EXPECT_EQ(1, write_str(wr, "x"));
	EXPECT_EQ(POLLOUT, polled(wr, POLLIN | POLLOUT, 0));
	close(rd);
	close(wr);
}

SIM_TEST(pollout_when_write_would_not_block)
{
	double began;
	int other;

	ctl("latency 500");
	other = occupy(QUEUE_DEPTH);
	EXPECT_EQ(0, polled(self->fd, POLLOUT, 0));
	began = now();
	EXPECT_EQ(POLLOUT, polled(self->fd, POLLOUT, 10000));
	EXPECT_LE(0.4, now() - began);
	EXPECT_GT(0.6 + slack(), now() - began);
	nonblock(self->fd, true);
	EXPECT_EQ(1, write_str(self->fd, "x"));
	EXPECT_EQ(-EAGAIN, write_str(self->fd, "x"));
	ctl("latency 5");
	wait_idle();
	close(other);
}

/* POLLERR and POLLHUP come whatever the caller asks for. */
SIM_TEST(poll_without_events_reports_unbinding)
{
	pid_t child = fork();

	if (!child)
		_exit(polled(self->fd, 0, 10000) != (POLLERR | POLLHUP));
	usleep(100000);
	ASSERT_EQ(0, bind_device(0, false));
	EXPECT_EQ(0, exit_status(child));
	ASSERT_EQ(0, bind_device(0, true));
}

/* epoll, edge-triggered: one event for each change */

static int watch(int fd, unsigned int events)
{
	struct epoll_event event = { .events = events | EPOLLET };
	int ep = epoll_create1(0);

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) ? -1 : ep;
}

/* Wait up to @ms for events; 0 if none came. */
static unsigned int edge(int ep, int ms)
{
	struct epoll_event event = {};

	return epoll_wait(ep, &event, 1, ms) == 1 ? event.events : 0;
}

SIM_TEST(edge_when_a_result_is_done)
{
	int ep = watch(self->fd, EPOLLIN);

	EXPECT_EQ(EPOLLIN, edge(ep, 0));	/* end of file */
	EXPECT_EQ(0, edge(ep, 100));
	ctl("latency 500");
	nonblock(self->fd, true);
	write_str(self->fd, "a");
	write_str(self->fd, "b");
	EXPECT_EQ(0, edge(ep, 300));
	EXPECT_EQ(EPOLLIN, edge(ep, 1000));
	EXPECT_READ("a");
	EXPECT_EQ(-EAGAIN, read_str(self->fd, self->text, 10));
	EXPECT_EQ(EPOLLIN, edge(ep, 1000));
	EXPECT_READ("b");
	EXPECT_EQ(0, read_str(self->fd, self->text, 10));
	close(ep);
}

/* The write that a reader waits for fails: it leaves no result, but the end of the file. */
SIM_TEST(edge_at_end_of_file_after_a_failed_write)
{
	int ep = watch(self->fd, EPOLLIN);
	pid_t writer;

	EXPECT_EQ(EPOLLIN, edge(ep, 0));
	ctl("latency 500\nerror");
	writer = fork_write(self->fd, -EIO);
	usleep(100000);
	nonblock(self->fd, true);
	EXPECT_EQ(-EAGAIN, read_str(self->fd, self->text, 10));
	EXPECT_EQ(EPOLLIN, edge(ep, 1000));
	EXPECT_EQ(0, read_str(self->fd, self->text, 10));
	EXPECT_EQ(0, exit_status(writer));
	close(ep);
}

SIM_TEST(edge_at_end_of_file_after_a_killed_write)
{
	int ep = watch(self->fd, EPOLLIN);
	pid_t writer;

	EXPECT_EQ(EPOLLIN, edge(ep, 0));
	ctl("latency 2000");
	writer = fork_write(self->fd, 1);
	usleep(100000);
	nonblock(self->fd, true);
	EXPECT_EQ(-EAGAIN, read_str(self->fd, self->text, 10));
	kill(writer, SIGKILL);
	EXPECT_EQ(EPOLLIN, edge(ep, 1000));
	EXPECT_EQ(0, read_str(self->fd, self->text, 10));
	exit_status(writer);
	close(ep);
}

SIM_TEST(edge_when_the_queue_has_room_again)
{
	int ep = watch(self->fd, EPOLLOUT), other, i;

	EXPECT_EQ(EPOLLOUT, edge(ep, 0));
	ctl("latency 500");
	other = occupy(QUEUE_DEPTH);
	nonblock(self->fd, true);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(-EAGAIN, write_str(self->fd, "x"));
		EXPECT_EQ(0, edge(ep, 300));
		EXPECT_EQ(EPOLLOUT, edge(ep, 1000));
		EXPECT_EQ(1, write_str(self->fd, "x"));
	}
	ctl("latency 5");
	wait_idle();
	close(other);
	close(ep);
}

/* A close makes room as well. */
SIM_TEST(edge_when_another_file_is_closed)
{
	int ep = watch(self->fd, EPOLLOUT), other;

	EXPECT_EQ(EPOLLOUT, edge(ep, 0));
	ctl("latency 2000");
	other = occupy(QUEUE_DEPTH);
	nonblock(self->fd, true);
	ASSERT_EQ(-EAGAIN, write_str(self->fd, "x"));
	EXPECT_EQ(0, edge(ep, 0));
	close(other);
	EXPECT_EQ(EPOLLOUT, edge(ep, 100));
	EXPECT_EQ(1, write_str(self->fd, "x"));
	close(ep);
}

static void *read_one(void *fd)
{
	char text[16];

	usleep(200000);
	return (void *)(long)read_str(*(int *)fd, text, sizeof(text));
}

SIM_TEST(edge_when_another_thread_reads_one_of_64_results)
{
	int ep = watch(self->fd, EPOLLOUT), i;
	pthread_t reader;
	void *len;

	ctl("latency 0");
	for (i = 0; i < RESULTS; i++)
		ASSERT_EQ(1, write_str(self->fd, "x"));
	ASSERT_EQ(-ENOBUFS, write_str(self->fd, "x"));
	while (edge(ep, 0))
		;
	ASSERT_EQ(0, pthread_create(&reader, NULL, read_one, &self->fd));
	EXPECT_EQ(EPOLLOUT, edge(ep, 1000));
	EXPECT_EQ(1, write_str(self->fd, "x"));
	pthread_join(reader, &len);
	EXPECT_EQ(1, (long)len);
	close(ep);
}

SIM_TEST(edge_at_unbinding)
{
	int in = watch(self->fd, EPOLLIN), out = watch(self->fd, EPOLLOUT);
	int none = watch(self->fd, 0), other;

	ctl("latency 5000");
	other = occupy(QUEUE_DEPTH - 1);
	nonblock(self->fd, true);
	write_str(self->fd, "x");
	while (edge(in, 0) || edge(out, 0))
		;
	ASSERT_EQ(0, bind_device(0, false));
	EXPECT_EQ(EPOLLERR | EPOLLHUP, edge(in, 100));
	EXPECT_EQ(EPOLLERR | EPOLLHUP, edge(out, 100));
	EXPECT_EQ(EPOLLERR | EPOLLHUP, edge(none, 100));
	ASSERT_EQ(0, bind_device(0, true));
	close(in);
	close(out);
	close(none);
	close(other);
}

/* What an event loop does: after EAGAIN from write(), ask for EPOLLOUT by EPOLL_CTL_MOD. */
SIM_TEST(edge_after_epoll_ctl_mod)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int ep = watch(self->fd, EPOLLIN), other;

	EXPECT_EQ(EPOLLIN, edge(ep, 0));
	ctl("latency 500");
	other = occupy(QUEUE_DEPTH);
	nonblock(self->fd, true);
	ASSERT_EQ(-EAGAIN, write_str(self->fd, "x"));
	event.events = EPOLLOUT | EPOLLET;
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_MOD, self->fd, &event));
	EXPECT_EQ(0, edge(ep, 0));
	EXPECT_EQ(EPOLLOUT, edge(ep, 1000));
	EXPECT_EQ(1, write_str(self->fd, "x"));
	event.events = EPOLLIN | EPOLLET;
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_MOD, self->fd, &event));
	ctl("latency 5");
	EXPECT_EQ(EPOLLIN, edge(ep, 20000));
	EXPECT_READ("x");
	close(other);
	close(ep);
}

/* Two processes write to a file each until the queue is full, and wait for room. */
SIM_TEST(edge_for_each_of_two_writers)
{
	pid_t writer[2];
	int i, sent;

	ctl("latency 1");
	for (i = 0; i < 2; i++) {
		writer[i] = fork();
		if (!writer[i]) {
			int fd = open(NODE, O_WRONLY | O_NONBLOCK);
			int ep = watch(fd, EPOLLOUT);

			for (sent = 0; sent < 200; ) {
				if (write_str(fd, "x") == 1)
					sent++;
				else if (!edge(ep, 5000))
					_exit(1);
			}
			_exit(fsync(fd) ? 2 : 0);
		}
	}
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, exit_status(writer[i]));
	EXPECT_EQ(400, GREW("completed"));
}

/* splice(), vmsplice(), sendfile() */

FIXTURE(piped) {
	int fd;
	int p[2];
	char before[MAX];
	char data[PIPE_SIZE];
};

FIXTURE_SETUP(piped)
{
	restore();
	ctl("latency 1");
	snapshot(self->before);
	self->fd = open(NODE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, pipe(self->p));
	fill(self->data, sizeof(self->data));
}

FIXTURE_TEARDOWN(piped)
{
	close(self->fd);
	close(self->p[0]);
	close(self->p[1]);
	restore();
	EXPECT_TRUE(identity());
}

#define PIPED_TEST(name) TEST_F_TIMEOUT(piped, name, SECONDS)

PIPED_TEST(splice_from_a_pipe)
{
	ASSERT_EQ(10, write(self->p[1], self->data, 10));
	EXPECT_EQ(10, splice(self->p[0], NULL, self->fd, NULL, 4096, 0));
	EXPECT_EQ(1, GREW("completed"));
	EXPECT_EQ(10, drain(self->fd));
}

/* Data for more than one request are split. */
PIPED_TEST(vmsplice_and_splice_from_a_pipe)
{
	struct iovec iov = { self->data, 40000 };

	ASSERT_EQ(40000, vmsplice(self->p[1], &iov, 1, 0));
	EXPECT_EQ(40000, splice(self->p[0], NULL, self->fd, NULL, PIPE_SIZE, 0));
	EXPECT_LE(40000 / MAX + 1, GREW("completed"));
	EXPECT_EQ(0, value("outstanding"));
	EXPECT_EQ(40000, drain(self->fd));
}

PIPED_TEST(splice_to_a_pipe)
{
	char back[MAX];

	ASSERT_EQ(3000, write(self->fd, self->data, 3000));
	EXPECT_EQ(3000, splice(self->fd, NULL, self->p[1], NULL, PIPE_SIZE, 0));
	EXPECT_EQ(3000, read(self->p[0], back, sizeof(back)));
	EXPECT_EQ(0, memcmp(back, self->data, 3000));
	EXPECT_EQ(0, splice(self->fd, NULL, self->p[1], NULL, PIPE_SIZE, 0));
}

PIPED_TEST(splice_to_a_pipe_waits_for_a_result)
{
	double began = now();

	ctl("latency 500");
	nonblock(self->fd, true);
	write_str(self->fd, "slow");
	EXPECT_EQ(-1, splice(self->fd, NULL, self->p[1], NULL, PIPE_SIZE, 0));
	EXPECT_EQ(EAGAIN, errno);
	nonblock(self->fd, false);
	EXPECT_EQ(4, splice(self->fd, NULL, self->p[1], NULL, PIPE_SIZE, 0));
	EXPECT_LE(0.5, now() - began);
}

PIPED_TEST(splice_reports_errors)
{
	ctl("error");
	write(self->p[1], self->data, 10);
	EXPECT_EQ(-1, splice(self->p[0], NULL, self->fd, NULL, 4096, 0));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(1, GREW("failed"));
	EXPECT_EQ(10, splice(self->p[0], NULL, self->fd, NULL, 4096, 0));
	EXPECT_EQ(10, drain(self->fd));
}

/* What does not fit stays in the pipe. */
PIPED_TEST(splice_with_a_full_queue_and_o_nonblock)
{
	int only = open(NODE, O_WRONLY | O_NONBLOCK), other;
	char back[MAX];
	long done, left;

	ctl("latency 1000");
	other = occupy(QUEUE_DEPTH - 2);
	ASSERT_EQ(PIPE_SIZE, write(self->p[1], self->data, PIPE_SIZE));
	done = splice(self->p[0], NULL, only, NULL, PIPE_SIZE, 0);
	EXPECT_EQ(2 * MAX, done);
	EXPECT_EQ(-1, splice(self->p[0], NULL, only, NULL, PIPE_SIZE, 0));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(QUEUE_DEPTH, GREW("submitted"));
	nonblock(self->p[0], true);
	for (left = 0; (done = read(self->p[0], back, MAX)) > 0; left += done)
		EXPECT_EQ(byte_at(2 * MAX + left), back[0]);
	EXPECT_EQ(PIPE_SIZE - 2 * MAX, left);
	ctl("latency 1");
	wait_idle();
	close(other);
	close(only);
}

/* A signal loses no data: the call returns what it moved, or starts again. */
PIPED_TEST(splice_under_a_timer_of_100_hz)
{
	pid_t child;

	ctl("latency 25");
	ASSERT_EQ(40000, write(self->p[1], self->data, 40000));
	child = fork();
	if (!child) {
		long done = 0, len;

		alarm_each(0.01, 0.01, 0);
		while (done < 40000) {
			len = splice(self->p[0], NULL, self->fd, NULL, PIPE_SIZE, 0);
			if (len <= 0)
				_exit(1);
			done += len;
		}
		_exit(done != 40000);
	}
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(0, GREW("cancelled"));
	EXPECT_EQ(40000, drain(self->fd));
}

PIPED_TEST(splice_ends_on_sigkill)
{
	double began;
	pid_t child;

	ctl("latency 2000");
	ASSERT_EQ(40000, write(self->p[1], self->data, 40000));
	child = fork();
	if (!child)
		_exit(splice(self->p[0], NULL, self->fd, NULL, PIPE_SIZE, 0));
	usleep(200000);
	began = now();
	kill(child, SIGKILL);
	exit_status(child);
	EXPECT_GT(0.1 + slack(), now() - began);
	wait_idle();
	EXPECT_EQ(1, GREW("cancelled"));
	EXPECT_EQ(0, GREW("completed"));
}

/* A file with these bytes. */
static int source_file(const char *data, size_t size)
{
	int file = memfd_create("source", 0);

	if (write(file, data, size) != (ssize_t)size || lseek(file, 0, SEEK_SET))
		return -1;
	return file;
}

PIPED_TEST(sendfile_to_a_writer)
{
	int only = open(NODE, O_WRONLY);
	int file = source_file(self->data, PIPE_SIZE);

	EXPECT_EQ(PIPE_SIZE, sendfile(only, file, NULL, PIPE_SIZE));
	EXPECT_EQ(PIPE_SIZE / MAX, GREW("completed"));
	EXPECT_EQ(0, sendfile(only, file, NULL, PIPE_SIZE));
	close(file);
	close(only);
}

struct reading {
	int fd;
	long done;
	bool wrong;
};

/* Read 64 KiB while somebody writes them. */
static void *read_along(void *arg)
{
	struct reading *r = arg;
	char data[MAX];
	ssize_t len, i;

	while (r->done < PIPE_SIZE && !r->wrong) {
		len = read(r->fd, data, sizeof(data));
		if (len == 0)
			usleep(1000);
		for (i = 0; i < len; i++)
			r->wrong |= data[i] != byte_at(r->done++);
		r->wrong |= len < 0;
	}
	return NULL;
}

PIPED_TEST(sendfile_with_a_reader)
{
	int file = source_file(self->data, PIPE_SIZE);
	struct reading r = { .fd = self->fd };
	pthread_t reader;

	ASSERT_EQ(0, pthread_create(&reader, NULL, read_along, &r));
	EXPECT_EQ(PIPE_SIZE, sendfile(self->fd, file, NULL, PIPE_SIZE));
	pthread_join(reader, NULL);
	EXPECT_EQ(PIPE_SIZE, r.done);
	EXPECT_FALSE(r.wrong);
	close(file);
}

PIPED_TEST(sendfile_with_a_full_queue_and_o_nonblock)
{
	int only = open(NODE, O_WRONLY | O_NONBLOCK), other;
	int file = source_file(self->data, PIPE_SIZE);

	ctl("latency 1000");
	other = occupy(QUEUE_DEPTH - 2);
	EXPECT_EQ(2 * MAX, sendfile(only, file, NULL, PIPE_SIZE));
	EXPECT_EQ(2 * MAX, lseek(file, 0, SEEK_CUR));
	EXPECT_EQ(-1, sendfile(only, file, NULL, PIPE_SIZE));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(2 * MAX, lseek(file, 0, SEEK_CUR));
	ctl("latency 1");
	wait_idle();
	close(other);
	close(only);
	close(file);
}

/* fsync(), and errors that nobody reads */

SIM_TEST(fsync_waits_for_outstanding_requests)
{
	int only = open(NODE, O_WRONLY | O_NONBLOCK), i;
	double began = now();

	ctl("latency 200");
	for (i = 0; i < 5; i++)
		EXPECT_EQ(1, write_str(only, "x"));
	EXPECT_GT(0.1 + slack(), now() - began);
	EXPECT_EQ(0, fsync(only));
	EXPECT_LE(1, now() - began);
	EXPECT_GT(1.1 + slack(), now() - began);
	EXPECT_EQ(5, GREW("completed"));
	EXPECT_EQ(0, fdatasync(only));
	close(only);
}

SIM_TEST(fsync_reports_an_unread_error_once)
{
	int only = open(NODE, O_WRONLY | O_NONBLOCK);

	ctl("error");
	EXPECT_EQ(1, write_str(only, "x"));
	EXPECT_EQ(-1, fsync(only));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(0, fsync(only));
	EXPECT_EQ(1, write_str(only, "y"));
	EXPECT_EQ(0, fsync(only));
	close(only);
}

SIM_TEST(fsync_reports_a_time_out_once)
{
	int only = open(NODE, O_WRONLY | O_NONBLOCK);

	put(SYSFS "timeout", "1");
	put(SYSFS "max_retries", "0");
	ctl("hang");
	EXPECT_EQ(1, write_str(only, "x"));
	EXPECT_EQ(-1, fsync(only));
	EXPECT_EQ(ETIMEDOUT, errno);
	EXPECT_EQ(0, fsync(only));
	close(only);
}

SIM_TEST(next_write_reports_an_unread_error_once)
{
	int only = open(NODE, O_WRONLY | O_NONBLOCK);
	int another = open(NODE, O_WRONLY | O_NONBLOCK);

	ctl("error");
	EXPECT_EQ(1, write_str(only, "x"));
	wait_idle();
	EXPECT_EQ(POLLOUT, polled(only, POLLOUT, 0));
	EXPECT_EQ(1, write_str(another, "y"));	/* this file has no error */
	EXPECT_EQ(2, GREW("submitted"));
	EXPECT_EQ(-EIO, write_str(only, "x"));
	EXPECT_EQ(2, GREW("submitted"));
	EXPECT_EQ(1, write_str(only, "x"));
	EXPECT_EQ(0, fsync(only));
	EXPECT_EQ(3, GREW("submitted"));
	close(another);
	close(only);
}

SIM_TEST(unread_error_comes_before_eagain)
{
	int only = open(NODE, O_WRONLY | O_NONBLOCK), other;

	ctl("error");
	EXPECT_EQ(1, write_str(only, "x"));
	wait_idle();
	ctl("latency 500");
	other = occupy(QUEUE_DEPTH);
	EXPECT_EQ(POLLOUT, polled(only, POLLOUT, 0));
	EXPECT_EQ(-EIO, write_str(only, "x"));
	EXPECT_EQ(-EAGAIN, write_str(only, "x"));
	EXPECT_EQ(0, polled(only, POLLOUT, 0));
	ctl("latency 5");
	wait_idle();
	close(other);
	close(only);
}

SIM_TEST(fsync_leaves_errors_to_read)
{
	nonblock(self->fd, true);
	ctl("error");
	EXPECT_EQ(1, write_str(self->fd, "x"));
	EXPECT_EQ(0, fsync(self->fd));
	EXPECT_EQ(-EIO, read_str(self->fd, self->text, 10));
	EXPECT_EQ(0, read_str(self->fd, self->text, 10));
}

SIM_TEST(blocking_write_leaves_no_error_to_fsync)
{
	int only = open(NODE, O_WRONLY);

	ctl("error");
	EXPECT_EQ(-EIO, write_str(only, "x"));
	EXPECT_EQ(0, fsync(only));
	EXPECT_EQ(1, write_str(only, "x"));
	close(only);
}

SIM_TEST(fsync_ends_on_sigkill_and_on_unbinding)
{
	int only = open(NODE, O_WRONLY | O_NONBLOCK);
	double began;
	pid_t child;

	ctl("hang");
	EXPECT_EQ(1, write_str(only, "x"));
	child = fork();
	if (!child)
		_exit(fsync(only));
	usleep(200000);
	began = now();
	kill(child, SIGKILL);
	exit_status(child);
	EXPECT_GT(0.1 + slack(), now() - began);
	child = fork();
	if (!child)
		_exit(fsync(only) != -1 || errno != ENODEV);
	usleep(200000);
	ASSERT_EQ(0, bind_device(0, false));
	EXPECT_EQ(0, exit_status(child));
	ASSERT_EQ(0, bind_device(0, true));
	close(only);
}

/* fsync() returns although another process keeps writing to the same file. */
SIM_TEST(fsync_ignores_later_requests)
{
	int only = open(NODE, O_WRONLY | O_NONBLOCK);
	double began;
	pid_t child;

	ctl("latency 50");
	EXPECT_EQ(1, write_str(only, "x"));
	child = fork();
	while (!child) {
		write_str(only, "x");
		usleep(10000);
	}
	usleep(100000);
	began = now();
	EXPECT_EQ(0, fsync(only));
	EXPECT_GT(0.05 * QUEUE_DEPTH + 0.1 + slack(), now() - began);
	kill(child, SIGKILL);
	exit_status(child);
	ctl("latency 5");
	close(only);
}

TEST_HARNESS_MAIN
