// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/sim_dev0, its control node and its attributes, as a program uses them.
 */
#include "sim.h"

#include <sys/stat.h>
#include <sys/uio.h>

/* The data node */

SIM_TEST(loops_data_back)
{
	EXPECT_EQ(5, write_str(self->fd, "hello"));
	EXPECT_READ("hello");
	EXPECT_EQ(1, GREW("completed"));
}

SIM_TEST(every_size_up_to_4096)
{
	char data[MAX + 1], back[MAX + 1];
	size_t size;

	for (size = 0; size < sizeof(data); size++)
		data[size] = rand();
	for (size = 1; size <= MAX; size += 195) {
		ASSERT_EQ((ssize_t)size, write(self->fd, data, size));
		ASSERT_EQ((ssize_t)size, read(self->fd, back, sizeof(back)));
		ASSERT_EQ(0, memcmp(data, back, size));
	}
	EXPECT_EQ(0, write(self->fd, data, 0));
	EXPECT_EQ(-1, write(self->fd, data, MAX + 1));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(0, read(self->fd, back, sizeof(back)));
}

SIM_TEST(writev_is_one_request)
{
	struct iovec iov[2] = { { "ab", 2 }, { "cde", 3 } };

	EXPECT_EQ(5, writev(self->fd, iov, 2));
	EXPECT_READ("abcde");
	EXPECT_EQ(1, GREW("submitted"));
}

SIM_TEST(efault_changes_nothing)
{
	EXPECT_EQ(-1, write(self->fd, nowhere(), 10));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, GREW("submitted"));
	write_str(self->fd, "kept");
	EXPECT_EQ(-1, read(self->fd, nowhere(), 10));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_READ("kept");
}

SIM_TEST(directions_and_seeking)
{
	int rd = open(NODE, O_RDONLY), wr = open(NODE, O_WRONLY);

	EXPECT_EQ(-EBADF, write_str(rd, "x"));
	EXPECT_EQ(0, read_str(rd, self->text, 10));
	EXPECT_EQ(1, write_str(wr, "x"));
	EXPECT_EQ(-EBADF, read_str(wr, self->text, 10));
	EXPECT_EQ(-1, lseek(wr, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	close(rd);
	close(wr);
}

SIM_TEST(results_go_to_their_file_in_order)
{
	int other = open(NODE, O_RDWR | O_NONBLOCK);
	char text[8];

	nonblock(self->fd, true);
	EXPECT_EQ(2, write_str(self->fd, "a1"));
	EXPECT_EQ(2, write_str(other, "b1"));
	EXPECT_EQ(2, write_str(self->fd, "a2"));
	EXPECT_EQ(2, write_str(other, "b2"));
	nonblock(self->fd, false);
	nonblock(other, false);
	EXPECT_EQ(2, read_str(other, text, 8));
	EXPECT_STREQ("b1", text);
	EXPECT_READ("a1");
	EXPECT_READ("a2");
	EXPECT_READ("");
	EXPECT_EQ(2, read_str(other, text, 8));
	EXPECT_STREQ("b2", text);
	close(other);
}

SIM_TEST(short_reads)
{
	char text[5];

	write_str(self->fd, "abcdefg");
	write_str(self->fd, "hi");
	EXPECT_EQ(4, read_str(self->fd, text, sizeof(text)));
	EXPECT_STREQ("abcd", text);
	EXPECT_EQ(0, read(self->fd, text, 0));
	EXPECT_EQ(3, read_str(self->fd, text, sizeof(text)));
	EXPECT_STREQ("efg", text);
	EXPECT_READ("hi");
}

SIM_TEST(read_blocks_while_something_is_outstanding)
{
	double began = now();

	ctl("latency 2000");
	nonblock(self->fd, true);
	EXPECT_EQ(4, write_str(self->fd, "slow"));
	EXPECT_GT(1 + slack(), now() - began);
	EXPECT_EQ(-EAGAIN, read_str(self->fd, self->text, 10));
	nonblock(self->fd, false);
	EXPECT_READ("slow");
	EXPECT_LE(2, now() - began);
	EXPECT_GT(2.5 + slack(), now() - began);
}

SIM_TEST(full_queue)
{
	int i;

	ctl("latency 100");
	nonblock(self->fd, true);
	for (i = 0; i < QUEUE_DEPTH; i++)
		EXPECT_EQ(1, write_str(self->fd, "x"));
	EXPECT_EQ(-EAGAIN, write_str(self->fd, "x"));
	EXPECT_EQ(0, polled(self->fd, POLLOUT, 0));
	EXPECT_EQ(QUEUE_DEPTH, GREW("submitted"));
	EXPECT_EQ(POLLOUT, polled(self->fd, POLLOUT, 1000));
	EXPECT_EQ(1, write_str(self->fd, "x"));
	nonblock(self->fd, false);
	EXPECT_EQ(1, write_str(self->fd, "x"));	/* waits for room, then for its end */
}

SIM_TEST(sixty_four_unread_results)
{
	int i, only = open(NODE, O_WRONLY);

	ctl("latency 0");
	for (i = 0; i < RESULTS; i++)
		EXPECT_EQ(1, write_str(self->fd, "x"));
	EXPECT_EQ(-ENOBUFS, write_str(self->fd, "x"));
	EXPECT_EQ(POLLIN, polled(self->fd, POLLIN | POLLOUT, 0));
	EXPECT_EQ(POLLOUT, polled(only, POLLIN | POLLOUT, 0));
	EXPECT_EQ(RESULTS, GREW("submitted"));
	EXPECT_READ("x");
	EXPECT_EQ(1, write_str(self->fd, "x"));
	for (i = 0; i < RESULTS + 1; i++)	/* a write-only file keeps none */
		EXPECT_EQ(1, write_str(only, "x"));
	close(only);
}

/* Faults */

SIM_TEST(hang_is_detected_in_time_at_any_phase)
{
	double began, took;
	int phase;

	put(SYSFS "timeout", "1");
	ctl("latency 0\nreset-latency 0\nclear\n");
	for (phase = 0; phase < 25; phase++) {
		usleep(41000 * phase);
		ctl("hang");
		began = now();
		ASSERT_EQ(1, write_str(self->fd, "x"));
		took = now() - began;
		EXPECT_LT(1.0 - slack(), took);
		EXPECT_GT(2.0 + 0.05 + slack(), took);	/* reset, retry, interrupts */
		EXPECT_READ("x");
	}
	EXPECT_EQ(25, GREW("timeouts"));
	EXPECT_EQ(25, GREW("resets"));
	EXPECT_EQ(25, GREW("retries"));
	EXPECT_EQ(25, GREW("completed"));
}

SIM_TEST(eio_from_the_device)
{
	ctl("error");
	EXPECT_EQ(-EIO, write_str(self->fd, "x"));
	EXPECT_EQ(1, GREW("failed"));
	EXPECT_EQ(0, GREW("timeouts"));
	EXPECT_READ("");
}

SIM_TEST(eio_from_a_hung_reset)
{
	ctl("hang\nreset-hang");
	EXPECT_EQ(-EIO, write_str(self->fd, "x"));
	EXPECT_EQ(1, GREW("reset_failures"));
	EXPECT_EQ(1, write_str(self->fd, "y"));
	EXPECT_READ("y");
}

SIM_TEST(etimedout_when_retries_run_out)
{
	put(SYSFS "max_retries", "2");
	ctl("hang 100");
	EXPECT_EQ(-ETIMEDOUT, write_str(self->fd, "x"));
	EXPECT_EQ(3, GREW("timeouts"));
	EXPECT_EQ(2, GREW("retries"));
	ctl("clear");
	EXPECT_EQ(1, write_str(self->fd, "y"));
}

SIM_TEST(read_reports_errors_of_nonblocking_writes)
{
	put(SYSFS "timeout", "1");
	put(SYSFS "max_retries", "0");
	nonblock(self->fd, true);
	ctl("latency 20\nerror");
	write_str(self->fd, "a");	/* fails with EIO */
	write_str(self->fd, "b");
	usleep(100000);
	ctl("hang");
	write_str(self->fd, "c");	/* fails with ETIMEDOUT */
	write_str(self->fd, "d");
	nonblock(self->fd, false);
	EXPECT_EQ(-EIO, read_str(self->fd, self->text, 10));
	EXPECT_READ("b");
	EXPECT_EQ(-ETIMEDOUT, read_str(self->fd, self->text, 10));
	EXPECT_READ("d");
	EXPECT_READ("");
}

SIM_TEST(late_interrupts_are_ignored)
{
	ctl("late 4200\nreset-latency 1500");	/* during the reset */
	EXPECT_EQ(2, write_str(self->fd, "me"));
	EXPECT_READ("me");
	EXPECT_EQ(1, GREW("late"));
	ctl("late 4600\nreset-latency 50\nlatency 2000");	/* during the retry */
	EXPECT_EQ(3, write_str(self->fd, "you"));
	EXPECT_READ("you");
	EXPECT_EQ(2, GREW("late"));
	EXPECT_EQ(2, GREW("completed"));
	EXPECT_EQ(0, GREW("spurious"));
}

SIM_TEST(spurious_interrupts_are_counted)
{
	ctl("spurious 50");
	usleep(500000);
	EXPECT_EQ(50, GREW("spurious"));
	EXPECT_EQ(0, GREW("late"));
	EXPECT_EQ(0, value("pending_spurious"));
}

SIM_TEST(spurious_command_replaces_the_pending_ones)
{
	ctl("spurious 500");
	usleep(20000);
	ctl("spurious 20");
	usleep(500000);
	EXPECT_LE(20, GREW("spurious"));
	EXPECT_GT(500, GREW("spurious"));
	EXPECT_EQ(0, value("pending_spurious"));
}

SIM_TEST(dead_until_revived)
{
	put(SYSFS "timeout", "1");
	put(SYSFS "reset_timeout", "1");
	ctl("dead");
	EXPECT_EQ(1, value("dead"));
	EXPECT_EQ(-EIO, write_str(self->fd, "x"));
	ctl("revive");
	EXPECT_EQ(1, write_str(self->fd, "y"));
}

/* Processes that end, files that close */

SIM_TEST(two_readers_take_turns)
{
	pid_t first, second;

	ctl("latency 2000");
	write_nowait(self->fd, "x");
	first = fork();
	if (!first)
		_exit(read_str(self->fd, self->text, 10) != 1);
	usleep(200000);
	second = fork();
	if (!second) {
		alarm_in(0.5, 0);
		_exit(read_str(self->fd, self->text, 10) != -EINTR);
	}
	EXPECT_EQ(0, exit_status(second));
	nonblock(self->fd, true);
	EXPECT_EQ(-EAGAIN, read_str(self->fd, self->text, 10));
	EXPECT_EQ(0, exit_status(first));
	EXPECT_READ("");
}

SIM_TEST(killed_submitter)
{
	int phase;

	ctl("hang 3\nlatency 50");
	for (phase = 0; phase < 6; phase++) {
		pid_t child = fork();
		double began;

		if (!child) {
			write_str(self->fd, "x");
			_exit(0);
		}
		usleep(100000);
		began = now();
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		EXPECT_GT(0.5 + slack(), now() - began);
	}
	EXPECT_TRUE(identity());
	wait_idle();
	EXPECT_EQ(6, GREW("submitted"));
	EXPECT_EQ(6, GREW("cancelled"));
	EXPECT_EQ(1, write_str(self->fd, "y"));
	EXPECT_READ("y");
}

SIM_TEST(close_with_requests_queued_and_in_flight)
{
	int fd = open(NODE, O_RDWR | O_NONBLOCK);
	int only = open(NODE, O_WRONLY | O_NONBLOCK);

	ctl("latency 500");
	write_str(fd, "in flight");
	write_str(fd, "queued");
	write_str(only, "queued");
	write_str(only, "queued");
	close(fd);
	close(only);
	EXPECT_EQ(3, GREW("cancelled"));
	EXPECT_EQ(1, value("outstanding"));
	wait_idle();
	EXPECT_EQ(4, GREW("cancelled"));
	EXPECT_EQ(1, write_str(self->fd, "y"));
	EXPECT_READ("y");
}

SIM_TEST(statistics_add_up_at_every_moment)
{
	pid_t child[4];
	int i, samples;

	put(SYSFS "timeout", "1");
	put(SYSFS "max_retries", "1");
	for (i = 0; i < 4; i++) {
		child[i] = fork();
		if (!child[i]) {
			int fd = open(NODE, i & 1 ? O_WRONLY : O_RDWR | O_NONBLOCK);

			for (srand(i); ; usleep(rand() % 3000)) {
				write_str(fd, "data");
				if (!(i & 1))
					read_str(fd, self->text, 10);
			}
		}
	}
	for (samples = 0; samples < 5000; samples++) {
		ASSERT_TRUE(identity());
		if (samples % 500 == 0)
			ctl(samples % 2000 ? "error 5" : "hang");
		if (samples == 4000) {
			kill(child[0], SIGKILL);
			kill(child[1], SIGKILL);
		}
		usleep(2000);
	}
	for (i = 0; i < 4; i++)
		kill(child[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	EXPECT_LT(100, GREW("completed"));
	EXPECT_LT(0, GREW("failed"));
	EXPECT_LT(0, GREW("timeouts"));
}

/* The control node */

SIM_TEST(refused_commands_change_nothing)
{
	static const struct {
		const char *line;
		int err;
	} bad[] = {
		{ "explode", EINVAL }, { "hang x", EINVAL }, { "hang 1 2", EINVAL },
		{ "late", EINVAL }, { "latency", EINVAL }, { "dead 1", EINVAL },
		{ "gone 1", EINVAL }, { "storm", EINVAL }, { "storm 1 2", EINVAL },
		{ "lost x", EINVAL }, { "duplicate 1 2", EINVAL },
		{ "reset-lost -", EINVAL }, { "losts", EINVAL },
		{ "lost 0", ERANGE }, { "duplicate 1000001", ERANGE },
		{ "reset-lost 0", ERANGE }, { "storm 0", ERANGE },
		{ "storm 1000001", ERANGE }, { "storm -1", ERANGE },
		{ "hang 0", ERANGE }, { "hang 1000001", ERANGE },
		{ "late 600001", ERANGE }, { "latency -1", ERANGE },
		{ "hang 123456789012345678901234567890", ERANGE },
		{ "latency 9-5", ERANGE }, { "rule hang slot 1", ERANGE },
		{ "rule hang 3", EINVAL }, { "rule reset-hang size 1", EINVAL },
		{ "drop 1", ENOENT },
	};
	char after[MAX], line[130] = "hang";
	size_t i;
	int fd = open(CTL, O_WRONLY);

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(bad[i].err, ctl(bad[i].line));
	memset(line + 4, ' ', 125);
	EXPECT_EQ(EMSGSIZE, ctl(line));		/* 129 bytes */
	EXPECT_EQ(-1, write(fd, "hang\0", 5));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(fd, nowhere(), 5));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, write(fd, "hang", 0));
	close(fd);
	snapshot(after);
	EXPECT_STREQ(self->before, after);
}

SIM_TEST(control_lines_are_taken_in_order)
{
	int fd = open(CTL, O_WRONLY);
	char line[130];

	/* a short write, up to the bad line */
	EXPECT_EQ(26, write_str(fd, "latency 7\nerror 3\n\nhang 2\nbogus\nlatency 9\n"));
	EXPECT_EQ(7, value("latency_ms"));
	EXPECT_EQ(3, value("pending_error"));
	EXPECT_EQ(-EINVAL, write_str(fd, "bogus\nlatency 8\n"));
	EXPECT_EQ(7, value("latency_ms"));
	memset(line, ' ', sizeof(line));	/* 128 bytes and a newline fit */
	memcpy(line, "latency 6", 9);
	line[128] = '\n';
	EXPECT_EQ(129, write(fd, line, 129));
	EXPECT_EQ(6, value("latency_ms"));
	EXPECT_EQ(128, write(fd, line, 128));	/* without newline too */
	line[128] = ' ';
	line[129] = '\n';
	EXPECT_EQ(-1, write(fd, line, 130));
	EXPECT_EQ(EMSGSIZE, errno);
	close(fd);
}

SIM_TEST(control_write_ends_early_on_a_signal)
{
	static const char line[] = "clear\n";
	size_t len = strlen(line), size = len << 20, i;
	char *text;
	pid_t child;

	if (!access("/proc/exitcode", F_OK))
		SKIP(return, "no time passes in a write on user-mode Linux");
	text = malloc(size);

	for (i = 0; i < size; i += len)
		memcpy(text + i, line, len);
	child = fork();
	if (!child) {
		int fd = open(CTL, O_WRONLY);
		ssize_t done;

		alarm_in(0.02, 0);
		done = write(fd, text, size);
		_exit(done <= 0 || done >= (ssize_t)size || done % len);
	}
	EXPECT_EQ(0, exit_status(child));
	free(text);
}

SIM_TEST(control_node_is_for_root_alone)
{
	struct stat st;

	ASSERT_EQ(0, stat(CTL, &st));
	EXPECT_EQ(0600, (int)(st.st_mode & 07777));
}

SIM_TEST(control_node_shows_state_and_counter)
{
	char all[MAX];

	put(SYSFS "timeout", "2");
	EXPECT_NE(NULL, strstr(self->before, "state: idle\ncounter: -1\n"));
	ctl("hang\nreset-latency 1500\nlatency 10\n");
	nonblock(self->fd, true);
	write_str(self->fd, "x");
	snapshot(all);
	EXPECT_TRUE(strstr(all, "state: busy\ncounter: 3\n") ||
		    strstr(all, "state: busy\ncounter: 2\n"));
	sleep(3);
	snapshot(all);
	EXPECT_NE(NULL, strstr(all, "state: resetting\ncounter: "));
}

/* sysfs */

SIM_TEST(attributes)
{
	char path[128], text[32], all[MAX];
	size_t i;

	write_str(self->fd, "x");
	snapshot(all);
	for (i = 0; i < NR_ATTRS; i++) {
		snprintf(path, sizeof(path), SYSFS "%s", attr_names[i]);
		if (i >= NR_SETTINGS) {		/* read-only */
			EXPECT_NE(0, put(path, "1"));
			EXPECT_LT(0, get(path, text, sizeof(text)));
			if (strcmp(attr_names[i], "state"))
				EXPECT_EQ(value_in(all, attr_names[i]), atol(text));
			continue;
		}
		EXPECT_EQ(EINVAL, put(path, "x"));
		EXPECT_EQ(EINVAL, put(path, "-1"));
		EXPECT_EQ(ERANGE, put(path, "3601"));
		EXPECT_EQ(i < 2 ? ERANGE : 0, put(path, "0"));
		EXPECT_EQ(0, put(path, "100"));
		EXPECT_LT(0, get(path, text, sizeof(text)));
		EXPECT_STREQ("100\n", text);
	}
}

/* Unbinding */

SIM_TEST(unbind_with_requests_queued_and_in_flight)
{
	int ctl_fd = open(CTL, O_RDWR), reader = open(NODE, O_RDWR | O_NONBLOCK);
	pid_t writer, poller;

	ctl("hang 100");
	write_str(reader, "in flight");
	write_str(reader, "queued");
	writer = fork();
	if (!writer)
		_exit(write_str(self->fd, "queued") != -ENODEV);
	poller = fork();
	if (!poller)
		_exit(polled(reader, POLLIN, -1) != (POLLERR | POLLHUP));
	usleep(300000);
	EXPECT_EQ(3, value("outstanding"));
	ASSERT_EQ(0, bind_device(0, false));

	EXPECT_EQ(0, exit_status(writer));
	EXPECT_EQ(0, exit_status(poller));
	EXPECT_EQ(-ENODEV, write_str(self->fd, "x"));
	EXPECT_EQ(-ENODEV, read_str(self->fd, self->text, 10));
	EXPECT_EQ(-ENODEV, read_str(reader, self->text, 10));
	EXPECT_EQ(POLLERR | POLLHUP, polled(self->fd, POLLIN | POLLOUT, 0));
	EXPECT_EQ(-ENODEV, write_str(ctl_fd, "clear\n"));
	EXPECT_EQ(-ENODEV, read_str(ctl_fd, self->text, 10));
	EXPECT_EQ(POLLERR | POLLHUP, polled(ctl_fd, POLLIN | POLLOUT, 0));
	EXPECT_EQ(-1, open(NODE, O_RDWR));
	EXPECT_EQ(ENOENT, errno);

	ASSERT_EQ(0, bind_device(0, true));
	ctl("clear");
	close(reader);
	close(ctl_fd);
	EXPECT_EQ(-ENODEV, write_str(self->fd, "x"));	/* bound again, but not for this file */
	close(self->fd);
	self->fd = open(NODE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	EXPECT_EQ(3, write_str(self->fd, "new"));
	EXPECT_READ("new");
}

SIM_TEST(interrupt_while_unbound)
{
	ctl("late 300");
	nonblock(self->fd, true);
	write_str(self->fd, "old");
	ASSERT_EQ(0, bind_device(0, false));
	close(self->fd);
	usleep(500000);
	ASSERT_EQ(0, bind_device(0, true));
	self->fd = open(NODE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	EXPECT_EQ(3, write_str(self->fd, "new"));
	EXPECT_READ("new");
	EXPECT_EQ(1, value("completed"));
	EXPECT_EQ(0, value("timeouts"));
}

SIM_TEST(unbound_and_bound_under_load)
{
	pid_t child[3];
	int i, fd;

	for (i = 0; i < 3; i++) {
		child[i] = fork();
		while (!child[i]) {
			fd = open(i == 2 ? CTL : NODE, O_RDWR | (i ? 0 : O_NONBLOCK));
			if (fd < 0)
				continue;
			while (write_str(fd, i == 2 ? "hang" : "data") != -ENODEV)
				usleep(500);
			close(fd);
		}
	}
	for (i = 0; i < 50; i++) {
		usleep(rand() % 30000);
		ASSERT_EQ(0, bind_device(0, false));
		usleep(rand() % 10000);
		ASSERT_EQ(0, bind_device(0, true));
	}
	for (i = 0; i < 3; i++)
		kill(child[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	ctl("clear");
	fd = open(NODE, O_RDWR);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(1, write_str(fd, "x"));
	close(fd);
}

TEST_HARNESS_MAIN
