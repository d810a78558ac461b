// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asynchronous requests, by libaio and by io_uring (liburing). Each ends when the
 * device is done, and is reported once.
 */
#include "sim.h"

#include <libaio.h>
#include <liburing.h>
#include <pthread.h>
#include <sys/eventfd.h>

#define MANY	40	/* requests, more than the queue holds */

/* libaio */

FIXTURE(aio) {
	int fd;
	int only;
	io_context_t ctx;
	struct iocb cb[MANY];
	struct io_event event[MANY];
	char before[MAX];
	char text[MAX + 1];
};

FIXTURE_SETUP(aio)
{
	restore();
	put(SYSFS "timeout", "1");
	put(SYSFS "max_retries", "0");
	self->fd = open(NODE, O_RDWR);
	self->only = open(NODE, O_WRONLY);
	ASSERT_GE(self->fd, 0);
	ASSERT_GE(self->only, 0);
	self->ctx = NULL;
	ASSERT_EQ(0, io_setup(MANY, &self->ctx));
	snapshot(self->before);
}

FIXTURE_TEARDOWN(aio)
{
	ctl("clear\nlatency 5\nreset-latency 5");
	io_destroy(self->ctx);
	close(self->fd);
	close(self->only);
	restore();
	EXPECT_TRUE(identity());
}

#define AIO_TEST(name) TEST_F_TIMEOUT(aio, name, SECONDS)

/* Submit @nr control blocks at once; how many the kernel took. */
static int submit(io_context_t ctx, struct iocb *cb, int nr)
{
	struct iocb *list[MANY];
	int i;

	for (i = 0; i < nr; i++)
		list[i] = &cb[i];
	return io_submit(ctx, nr, list);
}

/* Submit one request and wait for it: its result. */
static long one(io_context_t ctx, struct iocb *cb)
{
	struct io_event event;

	if (submit(ctx, cb, 1) != 1)
		return -1000;
	return io_getevents(ctx, 1, 1, &event, NULL) == 1 ? (long)event.res : -1001;
}

AIO_TEST(aio_write_ends_when_the_device_is_done)
{
	double began = now(), took;
	int i;

	ctl("latency 300");
	for (i = 0; i < 8; i++)
		io_prep_pwrite(&self->cb[i], self->only, "abcdefgh", i + 1, 0);
	EXPECT_EQ(8, submit(self->ctx, self->cb, 8));
	EXPECT_GT(0.1 + slack(), now() - began);
	EXPECT_EQ(8, GREW("submitted"));
	for (i = 0; i < 8; i++) {
		EXPECT_EQ(1, io_getevents(self->ctx, 1, 1, self->event, NULL));
		took = now() - began;
		EXPECT_EQ(&self->cb[i], self->event->obj);
		EXPECT_EQ(i + 1, (long)self->event->res);
		EXPECT_LE(0.3 * (i + 1), took);
		EXPECT_GT(0.3 * (i + 1) + 0.1 + slack(), took);
	}
	EXPECT_EQ(8, GREW("completed"));
}

AIO_TEST(aio_read_gets_what_was_written)
{
	char back[3][16] = {};
	int i;

	for (i = 0; i < 3; i++)
		io_prep_pwrite(&self->cb[i], self->fd, &"onetwosix"[3 * i], 3, 0);
	EXPECT_EQ(3, submit(self->ctx, self->cb, 3));
	for (i = 0; i < 3; i++)
		io_prep_pread(&self->cb[i], self->fd, back[i], 16, 0);
	EXPECT_EQ(3, submit(self->ctx, self->cb, 3));
	EXPECT_EQ(6, io_getevents(self->ctx, 6, 6, self->event, NULL));
	for (i = 0; i < 6; i++)
		EXPECT_EQ(3, (long)self->event[i].res);
	EXPECT_STREQ("one", back[0]);
	EXPECT_STREQ("two", back[1]);
	EXPECT_STREQ("six", back[2]);
}

AIO_TEST(aio_event_has_the_errno)
{
	char big[MAX + 1] = {};
	int i;

	ctl("error");
	io_prep_pwrite(&self->cb[0], self->fd, "x", 1, 0);
	EXPECT_EQ(-EIO, one(self->ctx, self->cb));
	ctl("hang");
	EXPECT_EQ(-ETIMEDOUT, one(self->ctx, self->cb));
	ctl("hang\nreset-hang");
	EXPECT_EQ(-EIO, one(self->ctx, self->cb));
	EXPECT_EQ(0, fsync(self->fd));		/* the events have reported all */
	EXPECT_READ("");
	io_prep_pwrite(&self->cb[0], self->fd, big, sizeof(big), 0);
	EXPECT_EQ(-EMSGSIZE, one(self->ctx, self->cb));
	io_prep_pwrite(&self->cb[0], self->fd, nowhere(), 1, 0);
	EXPECT_EQ(-EFAULT, one(self->ctx, self->cb));
	ctl("latency 0");
	io_prep_pwrite(&self->cb[0], self->fd, "x", 1, 0);
	for (i = 0; i < RESULTS; i++)
		ASSERT_EQ(1, one(self->ctx, self->cb));
	EXPECT_EQ(-ENOBUFS, one(self->ctx, self->cb));
	EXPECT_EQ(3 + RESULTS, GREW("submitted"));
	EXPECT_EQ(3, GREW("failed"));
}

AIO_TEST(aio_event_has_the_errno_with_o_nonblock)
{
	nonblock(self->only, true);
	ctl("error");
	io_prep_pwrite(&self->cb[0], self->only, "x", 1, 0);
	EXPECT_EQ(-EIO, one(self->ctx, self->cb));
	EXPECT_EQ(0, fsync(self->only));
	EXPECT_EQ(1, one(self->ctx, self->cb));
}

AIO_TEST(aio_unbind_ends_all_with_enodev)
{
	int i;

	ctl("hang");
	for (i = 0; i < 4; i++)
		io_prep_pwrite(&self->cb[i], i & 1 ? self->fd : self->only, "x", 1, 0);
	EXPECT_EQ(4, submit(self->ctx, self->cb, 4));
	ASSERT_EQ(0, bind_device(0, false));
	EXPECT_EQ(4, io_getevents(self->ctx, 4, 4, self->event, NULL));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(-ENODEV, (long)self->event[i].res);
	EXPECT_EQ(-ENODEV, one(self->ctx, self->cb));
	ASSERT_EQ(0, bind_device(0, true));
}

AIO_TEST(aio_many_wait_for_room)
{
	double began = now();
	int i;

	ctl("latency 20");
	for (i = 0; i < MANY; i++)
		io_prep_pwrite(&self->cb[i], self->fd, "x", 1, 0);
	EXPECT_EQ(MANY, submit(self->ctx, self->cb, MANY));
	EXPECT_LE((MANY - QUEUE_DEPTH) * 0.02, now() - began);
	EXPECT_EQ(MANY, io_getevents(self->ctx, MANY, MANY, self->event, NULL));
	EXPECT_LE(MANY * 0.02, now() - began);
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(1, (long)self->event[i].res);
	EXPECT_EQ(MANY, GREW("completed"));
}

AIO_TEST(aio_eagain_with_o_nonblock_and_a_full_queue)
{
	int other;

	ctl("latency 500");
	other = occupy(QUEUE_DEPTH);
	nonblock(self->only, true);
	io_prep_pwrite(&self->cb[0], self->only, "x", 1, 0);
	EXPECT_EQ(-EAGAIN, one(self->ctx, self->cb));
	EXPECT_EQ(QUEUE_DEPTH, GREW("submitted"));
	ctl("latency 5");
	wait_idle();
	close(other);
}

AIO_TEST(aio_poll_for_results)
{
	double began;

	io_prep_poll(&self->cb[0], self->fd, POLLIN);
	EXPECT_EQ(POLLIN, one(self->ctx, self->cb));	/* end of file */
	ctl("latency 500");
	began = now();
	nonblock(self->fd, true);
	write_str(self->fd, "x");
	EXPECT_EQ(POLLIN, one(self->ctx, self->cb));
	EXPECT_LE(0.5, now() - began);
	EXPECT_GT(0.6 + slack(), now() - began);
	EXPECT_READ("x");
}

AIO_TEST(aio_poll_for_room)
{
	double began = now();
	int other;

	ctl("latency 500");
	other = occupy(QUEUE_DEPTH);
	io_prep_poll(&self->cb[0], self->fd, POLLOUT);
	EXPECT_EQ(POLLOUT, one(self->ctx, self->cb));
	EXPECT_LE(0.5, now() - began);
	EXPECT_GT(0.6 + slack(), now() - began);
	other = (close(other), occupy(QUEUE_DEPTH));
	io_prep_poll(&self->cb[0], self->fd, POLLIN | POLLOUT);
	EXPECT_EQ(POLLIN, one(self->ctx, self->cb));
	close(other);
}

AIO_TEST(aio_poll_reports_unbinding)
{
	ctl("hang");
	nonblock(self->fd, true);
	write_str(self->fd, "x");
	io_prep_poll(&self->cb[0], self->fd, POLLIN);
	EXPECT_EQ(1, submit(self->ctx, self->cb, 1));
	ASSERT_EQ(0, bind_device(0, false));
	EXPECT_EQ(1, io_getevents(self->ctx, 1, 1, self->event, NULL));
	EXPECT_EQ(POLLERR | POLLHUP, (long)self->event->res);
	ASSERT_EQ(0, bind_device(0, true));
}

/*
 * The kernel runs each fsync on a system workqueue, where it waits for the request.
 * 6.1 runs 256 at a time. The driver's recovery must not queue behind them.
 */
AIO_TEST(aio_400_fsyncs_do_not_delay_recovery)
{
	enum { FLOOD = 400 };
	static struct io_event event[FLOOD];
	static struct iocb cb[FLOOD];
	struct timespec limit = { 60, 0 };
	struct iocb *one = cb;
	io_context_t ctx = NULL;
	int i, failed = 0;

	ASSERT_EQ(0, io_setup(FLOOD, &ctx));
	ctl("dead");
	nonblock(self->only, true);
	EXPECT_EQ(1, write_str(self->only, "x"));
	for (i = 0; i < FLOOD; i++, one++) {
		io_prep_fsync(one, self->only);
		ASSERT_EQ(1, io_submit(ctx, 1, &one));
	}
	ASSERT_EQ(FLOOD, io_getevents(ctx, FLOOD, FLOOD, event, &limit));
	for (i = 0; i < FLOOD; i++)
		failed += (long)event[i].res == -EIO;
	EXPECT_EQ(1, failed);		/* reported once */
	io_destroy(ctx);
}

AIO_TEST(aio_fsync)
{
	nonblock(self->only, true);
	ctl("latency 300\nerror");
	write_str(self->only, "x");
	io_prep_fsync(&self->cb[0], self->only);
	EXPECT_EQ(-EIO, one(self->ctx, self->cb));
	EXPECT_EQ(0, one(self->ctx, self->cb));
}

/* The device completes what it has; what waits for room is dropped. */
AIO_TEST(aio_of_a_killed_process)
{
	pid_t child;
	int i;

	ctl("latency 100");
	child = fork();
	if (!child) {
		io_context_t ctx = NULL;

		io_setup(MANY, &ctx);
		for (i = 0; i < MANY; i++)
			io_prep_pwrite(&self->cb[i], self->only, "x", 1, 0);
		submit(ctx, self->cb, MANY);
		_exit(0);
	}
	usleep(250000);
	kill(child, SIGKILL);
	exit_status(child);
	wait_idle();
	EXPECT_EQ(GREW("submitted"), GREW("completed"));
	EXPECT_LE(QUEUE_DEPTH, GREW("completed"));
	EXPECT_GT(MANY, GREW("completed"));
}

/* A request that waits for room must not block suspend. */
AIO_TEST(aio_wait_for_room_can_be_frozen)
{
	double began;
	pid_t child;
	int other;

	if (access("/sys/power/pm_test", W_OK))
		SKIP(return, "the kernel has no pm_test");
	put(SYSFS "timeout", "100");
	put("/sys/module/suspend/parameters/pm_test_delay", "0");
	ctl("latency 30000");
	other = occupy(QUEUE_DEPTH);
	ctl("latency 5");
	child = fork();
	if (!child) {
		io_context_t ctx = NULL;

		io_setup(MANY, &ctx);
		io_prep_pwrite(&self->cb[0], self->only, "x", 1, 0);
		_exit(one(ctx, self->cb) != 1);
	}
	usleep(200000);
	began = now();
	ASSERT_EQ(0, put("/sys/power/pm_test", "freezer"));
	EXPECT_EQ(0, put("/sys/power/state", "freeze"));
	EXPECT_EQ(0, put("/sys/power/pm_test", "none"));
	EXPECT_GT(5 + slack(), now() - began);
	EXPECT_EQ(0, exit_status(child));
	wait_idle();
	EXPECT_EQ(QUEUE_DEPTH + 1, GREW("completed"));
	close(other);
}

/* io_uring */

FIXTURE(uring) {
	int fd;
	int only;
	struct io_uring ring;
	char before[MAX];
	char text[MAX + 1];
};

FIXTURE_SETUP(uring)
{
	int err;

	restore();
	put(SYSFS "timeout", "1");
	put(SYSFS "max_retries", "0");
	self->fd = open(NODE, O_RDWR);
	self->only = open(NODE, O_WRONLY);
	ASSERT_GE(self->fd, 0);
	ASSERT_GE(self->only, 0);
	err = io_uring_queue_init(2 * MANY, &self->ring, 0);
	if (err == -ENOSYS)
		SKIP(return, "the kernel has no io_uring");
	ASSERT_EQ(0, err);
	snapshot(self->before);
}

FIXTURE_TEARDOWN(uring)
{
	ctl("clear\nlatency 5\nreset-latency 5");
	io_uring_queue_exit(&self->ring);
	close(self->fd);
	close(self->only);
	restore();
	EXPECT_TRUE(identity());
}

#define URING_TEST(name) TEST_F_TIMEOUT(uring, name, SECONDS)

static struct io_uring_sqe *prep_write(struct io_uring *ring, int fd,
				       const void *data, size_t len, int id)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_write(sqe, fd, data, len, 0);
	sqe->user_data = id;
	return sqe;
}

/* Wait for the next completion: its result, and its user data in @id. */
static int ended(struct io_uring *ring, int *id)
{
	struct io_uring_cqe *cqe;
	int res = io_uring_wait_cqe(ring, &cqe);

	if (res)
		return -1000;
	if (id)
		*id = cqe->user_data;
	res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

static int one_write(struct io_uring *ring, int fd, const void *data, size_t len)
{
	prep_write(ring, fd, data, len, 0);
	io_uring_submit(ring);
	return ended(ring, NULL);
}

/* In a child: submit MANY writes by a ring of its own. */
static void submit_many(struct io_uring *ring, int fd)
{
	int i;

	if (io_uring_queue_init(2 * MANY, ring, 0))
		_exit(1);
	for (i = 0; i < MANY; i++)
		prep_write(ring, fd, "x", 1, i);
	io_uring_submit(ring);
}

URING_TEST(uring_write_ends_when_the_device_is_done)
{
	double began = now();

	ctl("latency 300");
	prep_write(&self->ring, self->only, "hello", 5, 1);
	EXPECT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_GT(0.1 + slack(), now() - began);
	EXPECT_EQ(5, ended(&self->ring, NULL));
	EXPECT_LE(0.3, now() - began);
	EXPECT_GT(0.4 + slack(), now() - began);
	EXPECT_EQ(1, GREW("completed"));
	EXPECT_EQ(5, one_write(&self->ring, self->fd, "hello", 5));
	EXPECT_READ("hello");
}

/* With O_NONBLOCK too the completion comes when the device is done, and has the errno. */
URING_TEST(uring_write_of_an_o_nonblock_file)
{
	double began = now();

	nonblock(self->only, true);
	ctl("latency 300\nerror");
	EXPECT_EQ(-EIO, one_write(&self->ring, self->only, "x", 1));
	EXPECT_LE(0.3, now() - began);
	EXPECT_EQ(0, fsync(self->only));
	EXPECT_EQ(1, one_write(&self->ring, self->only, "x", 1));
	EXPECT_LE(0.6, now() - began);
}

URING_TEST(uring_writes_wait_for_room)
{
	double began = now();
	int i;

	ctl("latency 20");
	for (i = 0; i < MANY; i++)
		prep_write(&self->ring, self->only, "x", 1, i);
	EXPECT_EQ(MANY, io_uring_submit(&self->ring));
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(1, ended(&self->ring, NULL));
	EXPECT_LE(MANY * 0.02, now() - began);
	EXPECT_GT(MANY * 0.025 + slack(), now() - began);
	EXPECT_EQ(MANY, GREW("submitted"));
	EXPECT_EQ(MANY, GREW("completed"));
}

URING_TEST(uring_errors)
{
	char big[MAX + 1] = {};

	ctl("error");
	EXPECT_EQ(-EIO, one_write(&self->ring, self->fd, "x", 1));
	ctl("hang");
	EXPECT_EQ(-ETIMEDOUT, one_write(&self->ring, self->fd, "x", 1));
	EXPECT_READ("");
	EXPECT_EQ(-EMSGSIZE, one_write(&self->ring, self->fd, big, sizeof(big)));
	EXPECT_EQ(-EFAULT, one_write(&self->ring, self->fd, nowhere(), 1));
	EXPECT_EQ(2, GREW("submitted"));
}

/* The write fails, or, where io_uring polls before it writes, waits until a result is read. */
URING_TEST(uring_write_with_64_unread_results)
{
	int i, res;

	ctl("latency 0");
	for (i = 0; i < RESULTS; i++)
		ASSERT_EQ(1, one_write(&self->ring, self->fd, "x", 1));
	prep_write(&self->ring, self->fd, "x", 1, 0);
	EXPECT_EQ(1, io_uring_submit(&self->ring));
	usleep(100000);
	EXPECT_EQ(RESULTS, GREW("submitted"));
	EXPECT_READ("x");
	res = ended(&self->ring, NULL);
	EXPECT_TRUE(res == -ENOBUFS || res == 1);
	EXPECT_EQ(RESULTS + (res == 1), GREW("completed"));
}

URING_TEST(uring_unbind_ends_all_with_enodev)
{
	int i;

	ctl("hang");
	for (i = 0; i < 4; i++)
		prep_write(&self->ring, i & 1 ? self->fd : self->only, "x", 1, i);
	EXPECT_EQ(4, io_uring_submit(&self->ring));
	EXPECT_TRUE(wait_for("outstanding", 4));
	ASSERT_EQ(0, bind_device(0, false));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(-ENODEV, ended(&self->ring, NULL));
	EXPECT_EQ(-ENODEV, one_write(&self->ring, self->fd, "x", 1));
	ASSERT_EQ(0, bind_device(0, true));
}

URING_TEST(uring_linked_write_and_read)
{
	struct io_uring_sqe *sqe;
	char back[4][16] = {};
	int i, id;

	ctl("latency 50");
	for (i = 0; i < 4; i++) {
		sqe = prep_write(&self->ring, self->fd, &"onetwosixten"[3 * i], 3,
				 2 * i);
		io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
		sqe = io_uring_get_sqe(&self->ring);
		/* A short read would break the link. */
		io_uring_prep_read(sqe, self->fd, back[i], 3, 0);
		sqe->user_data = 2 * i + 1;
		if (i < 3)
			io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	}
	EXPECT_EQ(8, io_uring_submit(&self->ring));
	for (i = 0; i < 8; i++) {
		EXPECT_EQ(3, ended(&self->ring, &id));
		EXPECT_EQ(i, id);
	}
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, strncmp(back[i], &"onetwosixten"[3 * i], 3));
}

URING_TEST(uring_error_cancels_the_rest_of_a_link)
{
	struct io_uring_sqe *sqe;

	ctl("error");
	sqe = prep_write(&self->ring, self->fd, "x", 1, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	prep_write(&self->ring, self->fd, "y", 1, 1);
	EXPECT_EQ(2, io_uring_submit(&self->ring));
	EXPECT_EQ(-EIO, ended(&self->ring, NULL));
	EXPECT_EQ(-ECANCELED, ended(&self->ring, NULL));
	EXPECT_EQ(1, GREW("submitted"));
}

URING_TEST(uring_fixed_buffers)
{
	struct io_uring_sqe *sqe;
	char data[MAX], back[MAX];
	struct iovec iov[2] = { { data, MAX }, { back, MAX } };
	int i;

	for (i = 0; i < MAX; i++)
		data[i] = rand();
	ASSERT_EQ(0, io_uring_register_buffers(&self->ring, iov, 2));
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_write_fixed(sqe, self->fd, data, MAX, 0, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_read_fixed(sqe, self->fd, back, MAX, 0, 1);
	EXPECT_EQ(2, io_uring_submit(&self->ring));
	EXPECT_EQ(MAX, ended(&self->ring, NULL));
	EXPECT_EQ(MAX, ended(&self->ring, NULL));
	EXPECT_EQ(0, memcmp(data, back, MAX));
}

/* The read is submitted while the write is outstanding; before, it would return 0. */
URING_TEST(uring_reads_wait_for_results)
{
	struct io_uring_sqe *sqe;
	double began = now();
	int id;

	ctl("latency 300");
	prep_write(&self->ring, self->fd, "hello", 5, 1);
	EXPECT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(wait_for("outstanding", 1));
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_read(sqe, self->fd, self->text, MAX, 0);
	sqe->user_data = 2;
	EXPECT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_EQ(5, ended(&self->ring, &id));
	EXPECT_EQ(5, ended(&self->ring, &id));
	EXPECT_LE(0.3, now() - began);
	EXPECT_EQ(0, memcmp(self->text, "hello", 5));
}

URING_TEST(uring_fsync)
{
	struct io_uring_sqe *sqe;
	double began = now();
	int i;

	ctl("latency 300\nerror");
	nonblock(self->only, true);
	write_str(self->only, "x");
	for (i = 0; i < 2; i++) {
		sqe = io_uring_get_sqe(&self->ring);
		io_uring_prep_fsync(sqe, self->only, 0);
		EXPECT_EQ(1, io_uring_submit(&self->ring));
		EXPECT_EQ(i ? 0 : -EIO, ended(&self->ring, NULL));
		EXPECT_LE(0.3, now() - began);
	}
}

URING_TEST(uring_poll)
{
	struct io_uring_sqe *sqe;
	double began = now();
	int other;

	ctl("latency 300");
	other = occupy(QUEUE_DEPTH);
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_poll_add(sqe, self->only, POLLOUT);
	EXPECT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_EQ(POLLOUT, ended(&self->ring, NULL));
	EXPECT_LE(0.3, now() - began);
	EXPECT_GT(0.4 + slack(), now() - began);
	ctl("latency 5");
	close(other);
}

/* A request that the device has cannot be cancelled. */
URING_TEST(uring_cancel_of_a_request_in_flight)
{
	struct io_uring_sqe *sqe;
	int res[2], id, i;

	ctl("latency 300");
	prep_write(&self->ring, self->only, "hello", 5, 0);
	EXPECT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(wait_for("outstanding", 1));
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_cancel(sqe, (void *)0, 0);
	sqe->user_data = 1;
	EXPECT_EQ(1, io_uring_submit(&self->ring));
	for (i = 0; i < 2; i++) {
		int result = ended(&self->ring, &id);

		res[id & 1] = result;
	}
	EXPECT_EQ(5, res[0]);
	EXPECT_GT(0, res[1]);
	EXPECT_EQ(1, GREW("completed"));
	EXPECT_EQ(0, GREW("cancelled"));
}

/* What is in flight or queued completes. What waits for room may be dropped. */
URING_TEST(uring_queue_exit_with_requests_in_flight)
{
	pid_t child;

	ctl("latency 50");
	child = fork();
	if (!child) {
		struct io_uring ring;

		submit_many(&ring, self->fd);
		if (!wait_for("outstanding", QUEUE_DEPTH))
			_exit(2);
		io_uring_queue_exit(&ring);
		_exit(0);
	}
	EXPECT_EQ(0, exit_status(child));
	usleep(500000);
	wait_idle();
	EXPECT_TRUE(identity());
	EXPECT_EQ(GREW("submitted"), GREW("completed"));
	EXPECT_LE(QUEUE_DEPTH, GREW("completed"));
}

URING_TEST(uring_of_a_killed_process)
{
	double began;
	pid_t child;
	int i;

	ctl("latency 100");
	child = fork();
	if (!child) {
		struct io_uring ring;

		submit_many(&ring, self->fd);
		for (i = 0; i < MANY; i++)
			ended(&ring, NULL);
		_exit(0);
	}
	usleep(250000);
	began = now();
	kill(child, SIGKILL);
	exit_status(child);
	EXPECT_GT(0.1 * (QUEUE_DEPTH + 1) + slack(), now() - began);
	usleep(500000);
	wait_idle();
	EXPECT_TRUE(identity());
	EXPECT_EQ(GREW("submitted"), GREW("completed"));
	EXPECT_GT(MANY, GREW("completed"));
}

/* Completions of a thread that waits in write() */

/* Makes an eventfd readable a little later. */
static void *kick(void *fd)
{
	uint64_t one = 1;

	usleep(300000);
	return (void *)write(*(int *)fd, &one, sizeof(one));
}

/* A poll by io_uring completes while its thread waits in write(), and does not end that wait. */
static void write_beside(struct __test_metadata *_metadata, int only, int flags)
{
	int event = eventfd(0, 0), err;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	pthread_t thread;

	err = io_uring_queue_init(8, &ring, flags);
	if (err == -EINVAL)
		SKIP(return, "the kernel has no such flag");
	ASSERT_EQ(0, err);
	ctl("latency 1000");
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_poll_add(sqe, event, POLLIN);
	ASSERT_EQ(1, io_uring_submit(&ring));
	ASSERT_EQ(0, pthread_create(&thread, NULL, kick, &event));
	EXPECT_EQ(5, write_str(only, "hello"));
	EXPECT_EQ(POLLIN, ended(&ring, NULL));
	pthread_join(thread, NULL);
	io_uring_queue_exit(&ring);
	close(event);
}

URING_TEST(uring_poll_completes_during_a_write)
{
	write_beside(_metadata, self->only, 0);
	EXPECT_EQ(1, GREW("completed"));
	EXPECT_EQ(0, GREW("cancelled"));
}

URING_TEST(uring_poll_completes_during_a_write_with_coop_taskrun)
{
	write_beside(_metadata, self->only, IORING_SETUP_COOP_TASKRUN);
	EXPECT_EQ(1, GREW("completed"));
	EXPECT_EQ(0, GREW("cancelled"));
}

TEST_HARNESS_MAIN
