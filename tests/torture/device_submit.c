// SPDX-License-Identifier: GPL-2.0-only
/* The roles that submit requests; each function is an episode. */
#include "device.h"

#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

#include "aio.h"

/* Blocking writes; if the file can be read, check what comes back. */
void do_write(void)
{
	bool reads = !below(3);
	int fd = open_dev(false, reads ? O_RDWR : O_WRONLY), err = 0;
	unsigned int file = new_file(), n = 1 + below(6), i;
	uint64_t done[6], nr_done = 0, at = 0;
	uint8_t data[MAX_REQUEST + 1];
	size_t len;

	if (fd < 0)
		return;
	for (i = 1; i <= n && err != ENODEV; i++) {
		len = make_request(data, &luck, file, 0, i);
		err = enter_blocking(write(fd, data, len), len);
		if (!err)
			done[nr_done++] = i;
	}
	if (!below(8) && err != ENODEV &&
	    (write(fd, data, MAX_REQUEST + 1) != -1 || (errno != EMSGSIZE && errno != ENODEV)))
		die("device %u: write() of %u bytes: %m", dev, MAX_REQUEST + 1);

	while (reads && err != ENODEV) {
		err = read_result(fd, data, &len, !below(4));
		if (err == EINTR && me->signals)
			continue;
		if (err)
			break;
		progress();
		count(READ_OK);
		if (at == nr_done || check_result(data, len, file).seq != done[at])
			die("device %u file %u: read request %llu, wanted number %llu of %llu",
			    dev, file,
			    (unsigned long long)check_result(data, len, file).seq,
			    (unsigned long long)at, (unsigned long long)nr_done);
		at++;
	}
	if (err == ENODEV)
		check_gone(fd);
	else if (reads && (err != -1 || at != nr_done))
		die("device %u file %u: %llu writes done, %llu results, then %s", dev, file,
		    (unsigned long long)nr_done, (unsigned long long)at,
		    err < 0 ? "the end" : strerror(err));
	close(fd);
}

/* Read the results of @nr requests with these numbers, in order. */
static void read_back(int fd, unsigned int file, const unsigned int *done, unsigned int nr)
{
	uint8_t data[MAX_REQUEST];
	unsigned int i;
	size_t len;
	int err;

	for (i = 0; i <= nr; i++) {
		err = read_result(fd, data, &len, !below(4));
		if (err == ENODEV)
			break;
		if (i == nr ? err != -1 : err)
			die("device %u file %u: result %u of %u: %s", dev, file, i, nr,
			    err < 0 ? "the end" : strerror(err));
		if (!err && check_result(data, len, file).seq != done[i])
			die("device %u file %u: read request %llu, wanted %u", dev, file,
			    (unsigned long long)check_result(data, len, file).seq, done[i]);
		progress();
		if (!err)
			count(READ_OK);
	}
}

/* Some asynchronous writes at once; if the file can be read, check what comes back. */
#define ASYNCS	(QUEUE_DEPTH + 4)
void do_async(void)
{
	static __thread aio_context_t aio;	/* kept, since ending one is slow */
	bool reads = below(2);
	int fd = has_aio ? open_dev(false, reads ? O_RDWR : O_WRONLY) : -1, err;
	unsigned int file = new_file(), n = 1 + below(ASYNCS), done[ASYNCS], nr = 0, i;
	struct io_event events[ASYNCS];
	long result[ASYNCS];
	size_t len[ASYNCS];
	uint8_t data[MAX_REQUEST];
	bool gone = false;

	if (!has_aio)
		doze(100000);
	if (fd < 0)
		return;
	if (!aio)
		aio = aio_open(ASYNCS);
	for (i = 0; i < n; i++) {
		len[i] = make_request(data, &luck, file, 0, i);
		err = aio_submit(aio, fd, IOCB_CMD_PWRITE, data, len[i], i);
		if (err)
			die("device %u: io_submit: %s", dev, strerror(err));
	}
	if (!below(4))
		inject("error 2");	/* strikes these, or other threads' requests */
	if (!below(4)) {
		if (fsync(fd) && (errno != ENODEV || !plan->unbound))
			die("device %u: fsync: %m", dev);
		count(SYNCED);
	}
	if (aio_wait(aio, n, n, events, NULL) != n)
		die("device %u: io_getevents: %m", dev);
	for (i = 0; i < n; i++)
		result[events[i].data] = events[i].res;
	for (i = 0; i < n; i++) {
		err = enter_async(result[i], len[i]);
		gone |= err == ENODEV;
		if (!err)
			done[nr++] = i;
	}
	if (gone)
		check_gone(fd);
	else if (reads)
		read_back(fd, file, done, nr);
	close(fd);
}

/* A request from a pipe, and back into it. */
void do_splice(void)
{
	int fd = open_dev(false, O_RDWR), pipes[2], err;
	unsigned int file = new_file();
	uint8_t data[MAX_REQUEST];
	size_t len;
	ssize_t ret;

	if (fd < 0)
		return;
	len = make_request(data, &luck, file, 0, 1);
	if (pipe2(pipes, O_CLOEXEC) || write(pipes[1], data, len) != len)
		die("pipe: %m");
	/* splice() returns EINTR itself if a signal is pending, even if there is room. */
	ret = splice(pipes[0], NULL, fd, NULL, len, 0);
	err = ret < 0 && errno == EINTR && me->signals ? EINTR : enter_blocking(ret, len);
	if (!err) {
		do
			ret = splice(fd, NULL, pipes[1], NULL, MAX_REQUEST, 0);
		while (ret < 0 && errno == EINTR && me->signals);
		err = ret < 0 ? errno : 0;
		if (!err && (ret != len || read(pipes[0], data, len) != len))
			die("device %u: %zu bytes spliced to it, %zd back", dev, len, ret);
		if (err && err != ENODEV)
			die("device %u: splice from the node: %s", dev, strerror(err));
		if (!err) {
			check_result(data, len, file);
			count(SPLICED);
		}
	}
	if (err == ENODEV)
		check_gone(fd);
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
}

/* Nonblocking writes to one file, and their results. */
struct echo {
	int fd;
	unsigned int file;
	unsigned int total;		/* requests to write */
	unsigned int next, head;	/* the number of the next to write, and to read */
	bool hoard;			/* read nothing before the file is full of results */
	bool full;			/* the last write found no room */
	bool sure;			/* poll() said that there is something to read */
};

/* Write until there is no room; 0 or ENODEV. */
static int echo_write(struct echo *e)
{
	uint8_t data[MAX_REQUEST];
	size_t len;
	int err;

	e->full = false;
	while (e->next <= e->total && !e->full) {
		unsigned int unread = e->next - e->head;

		if (unread == plan->max_unread && plan->max_unread < MAX_RESULTS)
			break;
		len = make_request(data, &luck, e->file, 0, e->next);
		err = enter_nonblocking(write(e->fd, data, len), len);
		if (err == ENODEV)
			return err;
		if (unread == MAX_RESULTS ? err != ENOBUFS : err == ENOBUFS)
			die("device %u file %u: %u unread, write() says %s", dev, e->file,
			    unread, strerror(err));
		if (err == ENOBUFS)
			e->hoard = false;
		e->full = err;
		e->next += !err;
	}
	if (e->next > e->total) {
		e->hoard = false;
		if (!below(4) && fcntl(e->fd, F_SETFL, O_RDWR))	/* blocks from now on */
			die("fcntl: %m");
	}
	return 0;
}

/* Read some results. Returns what read_result() returned last. */
static int echo_read(struct echo *e)
{
	uint8_t data[MAX_REQUEST];
	size_t len;
	int err;

	do {
		err = read_result(e->fd, data, &len, !below(4));
		if (err == ENODEV) {
			count(READ_ENODEV);
			break;
		}
		if (e->sure && (err == EAGAIN || err == -1))
			die("device %u file %u: POLLIN, but read() says %s", dev, e->file,
			    err < 0 ? "the end" : strerror(err));
		e->sure = false;
		if (err == -1 && e->head != e->next)
			die("device %u file %u: the end, %u results are missing", dev, e->file,
			    e->next - e->head);
		if (err == -1 || err == EAGAIN || (err == EINTR && me->signals))
			break;
		enter_result(err);
		if (e->head == e->next)
			die("device %u file %u: one result too many", dev, e->file);
		if (!err && check_result(data, len, e->file).seq != e->head)
			die("device %u file %u: result %llu, wanted %u", dev, e->file,
			    (unsigned long long)check_result(data, len, e->file).seq, e->head);
		e->head++;
	} while (below(4));
	return err;
}

/* Write all and read all; false if the device is unbound. */
static bool echo_all(struct echo *e)
{
	short events;
	int err;

	for (;;) {
		if (echo_write(e))
			return false;
		if (!e->hoard) {
			err = echo_read(e);
			if (err == ENODEV)
				return false;
			if (e->next > e->total && err == -1)
				return true;
		}
		if (!e->full && e->next <= e->total && e->next - e->head < plan->max_unread)
			continue;
		events = (!e->hoard && e->head != e->next ? POLLIN : 0) |
			 (e->next <= e->total ? POLLOUT : 0);
		if (!events)
			continue;
		events = wait_for(e->fd, events, -1);
		if (events & POLLERR)
			return false;
		e->sure = events & POLLIN;
	}
}

void do_echo(void)
{
	struct echo e = {
		.fd = open_dev(false, O_RDWR | O_NONBLOCK), .file = new_file(),
		.next = 1, .head = 1,
	};

	if (e.fd < 0)
		return;
	e.hoard = plan->max_unread == MAX_RESULTS && !below(3);
	e.total = e.hoard ? MAX_RESULTS + 1 : 1 + below(40);
	if (!echo_all(&e))
		check_gone(e.fd);
	close(e.fd);
}

/* A file that several threads use */
#define SHARERS 2
struct share {
	struct worker *leader;
	int fd;
	unsigned int file, per_writer, nr_readers;
	bool blocks;
	atomic_uint writers_left, written, read_ok, read_failed;
	atomic_bool gone, done;
	atomic_ullong seen[SHARERS], last[SHARERS];
};

struct sharer {
	struct share *share;
	unsigned int number;
	uint64_t rng;
};

/* A thread that writes to the shared file. */
static void *share_write(void *arg)
{
	struct sharer *sharer = arg;
	struct share *share = sharer->share;
	uint8_t data[MAX_REQUEST];
	unsigned int seq;
	size_t len;
	int err;

	me = share->leader;
	for (seq = 1; seq <= share->per_writer; seq++) {
		len = make_request(data, &sharer->rng, share->file, sharer->number, seq);
		for (;;) {
			ssize_t ret = write(share->fd, data, len);

			if (share->blocks && ret < 0 && errno == EINTR)
				die("device %u: a sharer's write() says EINTR without a signal",
				    dev);
			err = share->blocks ? enter_blocking(ret, len) :
					      enter_nonblocking(ret, len);
			if (err != EAGAIN && err != ENOBUFS)
				break;
			wait_for(share->fd, POLLOUT, -1);
		}
		if (err == ENODEV) {
			atomic_store(&share->gone, true);
			break;
		}
		if (!err)
			atomic_fetch_add(&share->written, 1);
	}
	atomic_fetch_sub(&share->writers_left, 1);
	return NULL;
}

/* A thread that reads it. */
static void *share_read(void *arg)
{
	struct sharer *sharer = arg;
	struct share *share = sharer->share;
	uint8_t data[MAX_REQUEST];
	struct header header;

	me = share->leader;
	for (;;) {
		bool last = !atomic_load(&share->writers_left);
		ssize_t ret = read(share->fd, data, sizeof(data));
		int err = ret < 0 ? errno : 0;

		if (err == ENODEV) {
			count(READ_ENODEV);
			atomic_store(&share->gone, true);
			return NULL;
		}
		if (!ret && last)
			return NULL;
		if (!ret || (err == EAGAIN && !share->blocks)) {
			/* Another reader may take what poll() saw. */
			wait_for(share->fd, POLLIN, 20);
			continue;
		}
		if (err && share->blocks)
			die("device %u: read() of a blocking request: %m", dev);
		if (share->blocks)
			progress();
		else
			enter_result(err);
		if (err) {
			atomic_fetch_add(&share->read_failed, 1);
			continue;
		}
		header = check_result(data, ret, share->file);
		if (header.writer >= SHARERS || header.seq < 1 || header.seq > share->per_writer)
			die("device %u: read writer %u seq %llu, which was never written", dev,
			    header.writer, (unsigned long long)header.seq);
		if (atomic_fetch_or(&share->seen[header.writer], 1ull << (header.seq - 1)) >>
		    (header.seq - 1) & 1)
			die("device %u file %u: read writer %u seq %llu twice", dev, share->file,
			    header.writer, (unsigned long long)header.seq);
		if (share->nr_readers == 1 &&
		    atomic_exchange(&share->last[header.writer], header.seq) >= header.seq)
			die("device %u file %u: writer %u seq %llu out of order", dev, share->file,
			    header.writer, (unsigned long long)header.seq);
		atomic_fetch_add(&share->read_ok, 1);
	}
}

/* A thread that polls it. */
static void *share_poll(void *arg)
{
	struct share *share = ((struct sharer *)arg)->share;

	me = share->leader;
	while (!atomic_load(&share->done)) {
		wait_for(share->fd, POLLIN | POLLOUT, 20);
		doze(20000);
	}
	return NULL;
}

void do_share(void)
{
	struct share share = {
		.leader = me, .file = new_file(), .per_writer = 1 + below(64),
		.nr_readers = 1 + below(3), .blocks = below(2), .writers_left = SHARERS,
	};
	struct sharer sharers[SHARERS + 3 + 1];	/* writers, readers, one polls */
	pthread_t threads[SHARERS + 3 + 1];
	unsigned int nr = SHARERS + share.nr_readers, i;

	share.fd = open_dev(false, O_RDWR | (share.blocks ? 0 : O_NONBLOCK));
	if (share.fd < 0)
		return;
	for (i = 0; i <= nr; i++) {
		sharers[i] = (struct sharer){ &share, i, rng(&luck) };
		threads[i] = start_thread(i < SHARERS ? share_write :
					  i < nr ? share_read : share_poll,
					  &sharers[i]);
	}
	for (i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&share.done, true);
	pthread_join(threads[nr], NULL);
	count(SHARED);
	if (share.gone)
		check_gone(share.fd);
	else if (share.written != share.read_ok + share.read_failed)
		die("device %u file %u: %u threads wrote %u requests, %u readers got %u and %u errors",
		    dev, share.file, SHARERS, share.written, share.nr_readers, share.read_ok,
		    share.read_failed);
	close(share.fd);
}

/* Close with requests outstanding, and results unread. */
void do_close(void)
{
	bool reads = below(2);
	int fd = open_dev(false, (reads ? O_RDWR : O_WRONLY) | O_NONBLOCK), err = 0;
	unsigned int file = new_file(), n = 1 + below(2 * QUEUE_DEPTH), next = 1, head = 1;
	uint8_t data[MAX_REQUEST];
	size_t len;

	if (fd < 0)
		return;
	while (next <= n) {
		ssize_t ret;

		len = make_request(data, &luck, file, 0, next);
		ret = write(fd, data, len);
		/* A file that cannot be read reports here how an earlier request failed. */
		if (!reads && ret < 0 && (errno == EIO || errno == ETIMEDOUT))
			break;
		err = enter_nonblocking(ret, len);
		if (err)
			break;
		next++;
	}
	doze(10000);
	while (reads && err != ENODEV && below(2)) {
		err = read_result(fd, data, &len, false);
		if (err == EAGAIN || err == ENODEV || err == -1)
			break;
		enter_result(err);
		if (!err && check_result(data, len, file).seq != head)
			die("device %u file %u: result %llu, wanted %u", dev, file,
			    (unsigned long long)check_result(data, len, file).seq, head);
		head++;
	}
	if (next > head)
		count(CLOSED_BUSY);
	atomic_fetch_add(&ledger->abandoned, next - head);
	close(fd);
}

/* Write until killed, counting all in the killer's struct worker. */
static __attribute__((noreturn)) void victim(int fd, unsigned int file, bool nonblock)
{
	uint8_t data[MAX_REQUEST];
	unsigned int seq;
	ssize_t ret;
	size_t len;

	for (seq = 1;; seq++) {
		if (!nonblock && seq > MAX_RESULTS)
			pause();	/* the file can hold no more results */
		len = make_request(data, &luck, file, 0, seq);
		atomic_fetch_add(&me->begun, 1);
		atomic_store(&me->runs, true);
		ret = write(fd, data, len);
		if (ret == len)
			atomic_fetch_add(nonblock ? &me->queued : &me->ok, 1);
		else if (errno == EIO || errno == ETIMEDOUT)
			atomic_fetch_add(&me->failed, 1);
		else if (errno == ENODEV && plan->unbound)
			_exit(0);
		else if (!nonblock || (errno != EAGAIN && errno != ENOBUFS))
			die("device %u: a victim's write: %m", dev);
		atomic_fetch_add(&me->returned, 1);
		if (!nonblock || !below(3))
			continue;
		if (ret < 0)
			wait_for(fd, POLLIN | POLLOUT, 20);
		ret = read(fd, data, sizeof(data));
		if (ret > 0) {
			check_result(data, ret, file);
			atomic_fetch_add(&me->read_ok, 1);
		} else if (ret < 0 && (errno == EIO || errno == ETIMEDOUT)) {
			atomic_fetch_add(&me->read_failed, 1);
		} else if (ret < 0 && errno == ENODEV && plan->unbound) {
			_exit(0);
		} else if (ret < 0 && errno != EAGAIN) {
			die("device %u: a victim's read: %m", dev);
		}
	}
}

/*
 * The victim wrote to a file of this thread: it must have the results of all writes that
 * returned, and maybe of the one that did not.
 */
static void inherit(int fd, unsigned int file)
{
	uint8_t data[MAX_REQUEST];
	unsigned int n = 0;
	uint64_t last = 0;
	size_t len;
	int err;

	while (!(err = read_result(fd, data, &len, false))) {
		uint64_t seq = check_result(data, len, file).seq;

		if (seq <= last)
			die("device %u file %u: a victim's request %llu after %llu", dev, file,
			    (unsigned long long)seq, (unsigned long long)last);
		last = seq;
		n++;
	}
	if (err == ENODEV && plan->unbound)
		return;
	if (err != -1 || n < me->ok || n > me->ok + 1)
		die("device %u file %u: a victim wrote %u requests, %u came back, then %s",
		    dev, file,
		    me->ok, n, err < 0 ? "the end" : strerror(err));
}

static void reset_victim(struct worker *w)
{
	w->begun = 0;
	w->returned = 0;
	w->ok = 0;
	w->failed = 0;
	w->queued = 0;
	w->read_ok = 0;
	w->read_failed = 0;
	w->runs = false;
}

/* Wait until the victim runs, stop and continue it, kill it. */
static void kill_victim(pid_t pid)
{
	pid_t ended = 0;
	int status;

	while (!me->runs && !(ended = waitpid(pid, &status, WNOHANG)))
		usleep(500);
	if (!ended) {
		while (below(2)) {	/* a stop must not matter, whatever it interrupts */
			doze(20000);
			kill(pid, SIGSTOP);
			doze(20000);
			kill(pid, SIGCONT);
			count(STOPS);
		}
		doze(20000);
		kill(pid, SIGKILL);
		if (waitpid(pid, &status, 0) != pid)
			die("waitpid: %m");
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		count(KILLED);
	else if (!plan->unbound || !WIFEXITED(status) || WEXITSTATUS(status))
		die("device %u: a victim ended by itself, status %#x", dev, status);
	progress();
}

/* Enter the requests of the victim. */
static void enter_victim(void)
{
	unsigned int left = me->queued - me->read_ok - me->read_failed;

	if (left || me->begun != me->returned)
		count(KILLED_BUSY);
	atomic_fetch_add(&ledger->sure, me->ok + me->failed + me->queued);
	atomic_fetch_add(&ledger->unsure, me->begun - me->returned);
	atomic_fetch_add(&ledger->ok, me->ok + me->read_ok);
	atomic_fetch_add(&ledger->failed, me->failed + me->read_failed);
	atomic_fetch_add(&ledger->abandoned, left);
}

/* Kill a process that writes to a file of its own or of this thread. */
void do_kill(void)
{
	bool nonblock = below(2), ours = !nonblock && below(2);
	unsigned int file = new_file();
	int fd = -1;
	pid_t pid;

	reset_victim(me);
	if (ours) {
		fd = open_dev(false, O_RDWR);
		if (fd < 0)
			return;
	}
	pid = fork();
	if (pid < 0)
		die("fork: %m");
	if (!pid) {
		luck += ~0ull / 2;
		if (!ours)
			fd = open_dev(false, O_RDWR | (nonblock ? O_NONBLOCK : 0));
		if (fd < 0)
			_exit(0);
		victim(fd, file, nonblock);
	}
	kill_victim(pid);
	enter_victim();
	if (ours) {
		inherit(fd, file);
		close(fd);
	}
}

/*
 * The first requests hang, one in each slot, and the others wait behind them. When their file
 * is closed, or its process killed, all are cancelled, unless one has timed out before.
 */
void do_hang(void)
{
	unsigned int n = 1 + below(QUEUE_DEPTH), file = new_file(), i;
	struct snapshot before, after;
	uint8_t data[MAX_REQUEST];
	bool killed = below(2);
	int status, fd;
	pid_t pid = 0;
	ssize_t ret;
	size_t len;

	quiet(&before);
	inject("clear\nhang %u%s", slots, slots > 1 && below(2) ? "\nabort-hang 2" : "");
	if (killed)
		pid = fork();
	if (pid < 0)
		die("fork: %m");
	if (!pid) {
		fd = open_dev(false, (below(2) ? O_RDWR : O_WRONLY) | O_NONBLOCK);
		for (i = 0; i < n; i++) {
			len = make_request(data, &luck, file, 0, i);
			do	/* the first calls may report that earlier requests timed out */
				ret = write(fd, data, len);
			while (ret < 0 && errno == ETIMEDOUT);
			if (enter_nonblocking(ret, len))
				die("device %u: only %u requests fit", dev, i);
		}
		if (killed)
			kill(getpid(), SIGKILL);
		close(fd);
	} else if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status)) {
		die("device %u: a victim ended by itself, status %#x", dev, status);
	}
	look(&after);
	if (after.outstanding > slots)
		die("device %u: the file is closed, %lu requests are outstanding", dev,
		    after.outstanding);
	atomic_fetch_add(after.timeouts == before.timeouts ? &ledger->cancelled :
							     &ledger->abandoned, n);
	count(HUNG_CANCELLED);
}
