// SPDX-License-Identifier: GPL-2.0-only
/* Random system calls that transfer data. */
#include "calls.h"

#include <limits.h>
#include <poll.h>
#include <sys/sendfile.h>

/* Lines for a control node. Odd devices get few faults, so that requests succeed there. */
static struct buffer ctl_buffer(struct caller *c, unsigned int i)
{
	bool tame = slot_device(c, i) & 1;
	struct prediction v;
	struct buffer b = {};

	b.p = put_lines(&c->r, c->arena, one_in(&c->r, 3) ? 1500 : 40, &b.len);
	if (tame && !one_in(&c->r, 200)) {
		v = predict_write(b.p, b.len, b.len, NULL);
		b.p += v.most;
		b.len -= v.most;
	}
	b.avail = b.len;
	if (one_in(&c->r, 16))
		b.len += 1 + rng_below(&c->r, 100);
	return b;
}

/* Is this what a write of @len bytes may return? After the fault "short" it is less. */
static bool may_take(ssize_t ret, size_t len)
{
	return ret == (ssize_t)len || (ret > 0 && ret < (ssize_t)len);
}

static void data_write_to(struct caller *c, unsigned int i)
{
	struct buffer b = any_buffer(c, one_in(&c->r, 4) ? 5000 : 100);
	ssize_t ret;

	begin(c, "write(slot %u, %p, %zu), %zu readable", i, b.p, b.len, b.avail);
	allow_slot(c, i, O_WRONLY);
	allow_wild(c, b.wild);
	allow(c, EMSGSIZE, b.len > MAX_REQUEST);
	allow(c, EFAULT, b.avail < b.len && b.len <= MAX_REQUEST);
	if (b.len && b.avail == b.len && b.len <= MAX_REQUEST)
		allow_request(c, i);
	ret = write(SLOT_FD + i, b.p, b.len);
	end(c, DATA_WRITE, ret,
	    may_take(ret, b.len) && b.avail == b.len && b.len <= MAX_REQUEST && may_write(c, i));
}

void data_write(struct caller *c)
{
	data_write_to(c, slot_of(c, false));
}

/* So many writes fill a file's list of results. */
void data_burst(struct caller *c)
{
	unsigned int i = slot_of(c, false), nr = one_in(&c->r, 3) ? 100 : 1;

	while (nr--)
		data_write_to(c, i);
}

void data_read(struct caller *c)
{
	unsigned int i = slot_of(c, false);
	struct buffer b = any_buffer(c, one_in(&c->r, 4) ? 5000 : 100);
	ssize_t ret;

	begin(c, "read(slot %u, %p, %zu), %zu writable", i, b.p, b.len, b.avail);
	allow_slot(c, i, O_RDONLY);
	allow_wild(c, b.wild);
	allow(c, EFAULT, !b.avail);
	if (b.len)
		allow_result(c, i);
	ret = read(SLOT_FD + i, b.p, b.len);
	end(c, DATA_READ, ret, ret <= MAX_REQUEST && ret <= b.avail);
}

static struct vector any_vector(struct caller *c, size_t usual)
{
	static const int odd[] = { -1, 1025, INT_MAX, INT_MIN, 5000 };
	struct vector v = {};
	struct buffer b;
	int i;

	v.nr = rng_below(&c->r, 5);
	for (i = 0; i < v.nr; i++) {
		b = any_buffer(c, usual);
		v.iov[i] = (struct iovec){ b.p, b.len };
		v.wild |= b.wild;
		v.len += b.len;
		v.short_of |= b.avail < b.len;
		if (!v.short_of || b.avail)
			v.avail += b.avail;
	}
	if (one_in(&c->r, 20)) {
		v.nr = odd[rng_below(&c->r, ARRAY_SIZE(odd))];
		v.wild = true;
	}
	v.wild |= v.len > ARENA * 4;
	return v;
}

/* Where the vector lies: now and then where it cannot be read. */
static const struct iovec *vector_at(struct caller *c, struct vector *v)
{
	if (!one_in(&c->r, 30))
		return v->iov;
	v->wild = true;
	return (const struct iovec *)(c->arena + ARENA - (one_in(&c->r, 2) ? 8 : 0));
}

void data_writev(struct caller *c)
{
	unsigned int i = slot_of(c, false);
	struct vector v = any_vector(c, one_in(&c->r, 4) ? 2000 : 50);
	const struct iovec *iov = vector_at(c, &v);
	ssize_t ret;

	begin(c, "writev(slot %u, %p, %d), %zu bytes%s%s", i, iov, v.nr, v.len,
	      v.wild ? ", wild" : "", v.short_of ? ", not all readable" : "");
	allow_slot(c, i, O_WRONLY);
	allow_wild(c, v.wild);
	allow(c, EMSGSIZE, v.wild || v.len > MAX_REQUEST);
	allow(c, EFAULT, v.short_of && v.len <= MAX_REQUEST);
	if (v.wild || (v.len && !v.short_of && v.len <= MAX_REQUEST))
		allow_request(c, i);
	ret = writev(SLOT_FD + i, iov, v.nr);
	end(c, DATA_WRITEV, ret, v.wild ? ret <= MAX_REQUEST :
	    may_take(ret, v.len) && v.len <= MAX_REQUEST && !v.short_of && may_write(c, i));
}

void data_readv(struct caller *c)
{
	unsigned int i = slot_of(c, false);
	struct vector v = any_vector(c, one_in(&c->r, 4) ? 2000 : 50);
	const struct iovec *iov = vector_at(c, &v);
	ssize_t ret;

	begin(c, "readv(slot %u, %p, %d), %zu bytes%s%s", i, iov, v.nr, v.len,
	      v.wild ? ", wild" : "", v.short_of ? ", not all writable" : "");
	allow_slot(c, i, O_RDONLY);
	allow_wild(c, v.wild);
	allow(c, EFAULT, v.short_of);
	allow_result(c, i);
	ret = readv(SLOT_FD + i, iov, v.nr);
	end(c, DATA_READV, ret, ret <= MAX_REQUEST && (v.wild || ret <= v.avail));
}

/* A signal may end the write after any line. */
static bool ctl_write_good(const struct buffer *b, const struct prediction *v, ssize_t ret)
{
	if (!b->len)
		return !ret;
	return ret > 0 && ret <= v->most && (ret == v->most || b->p[ret - 1] == '\n');
}

void ctl_write(struct caller *c)
{
	unsigned int i = slot_of(c, true);
	struct buffer b = ctl_buffer(c, i);
	struct prediction v = predict_write(b.p, b.avail, b.len, NULL);
	ssize_t ret;

	begin(c, "write(ctl slot %u, '%s', %zu), %zu readable", i, quoted(b.p, b.avail), b.len,
	      b.avail);
	allow_slot(c, i, O_WRONLY);
	allow(c, v.err, v.err && !v.least);
	allow(c, v.maybe, v.maybe);
	allow(c, EFAULT, b.avail < b.len && !v.least);
	ret = write(SLOT_FD + i, b.p, b.len);
	end(c, CTL_WRITE, ret, ctl_write_good(&b, &v, ret) && may_write(c, i));
}

/* Each buffer is a write of its own, up to the first that is not taken whole. */
void ctl_writev(struct caller *c)
{
	unsigned int i = slot_of(c, true), nr = 1 + rng_below(&c->r, 4), k;
	struct buffer b = ctl_buffer(c, i);
	size_t at = 0, most = 0;
	struct iovec iov[4];
	struct prediction v;
	ssize_t ret;
	int err = 0;
	bool whole = true;

	b.len = b.avail;
	begin(c, "writev(ctl slot %u, %u), %zu bytes", i, nr, b.len);
	allow_slot(c, i, O_WRONLY);
	for (k = 0; k < nr; k++) {
		iov[k].iov_base = b.p + at;
		iov[k].iov_len = k == nr - 1 ? b.len - at : rng_below(&c->r, b.len - at + 1);
		at += iov[k].iov_len;
		if (!whole || !iov[k].iov_len)
			continue;
		v = predict_write(iov[k].iov_base, iov[k].iov_len, iov[k].iov_len, NULL);
		if (!most && !v.most)
			err = v.err;
		allow(c, v.maybe, v.maybe && !most);
		most += v.most;
		whole = v.most == iov[k].iov_len;
	}
	allow(c, err, err);
	ret = writev(SLOT_FD + i, iov, nr);
	end(c, CTL_WRITEV, ret, ret <= most && (ret || !b.len) && may_write(c, i));
}

void ctl_read(struct caller *c)
{
	unsigned int i = slot_of(c, true);
	struct buffer b = any_buffer(c, 1000);
	ssize_t ret;

	begin(c, "read(ctl slot %u, %p, %zu), %zu writable", i, b.p, b.len, b.avail);
	allow_slot(c, i, O_RDONLY);
	allow_wild(c, b.wild);
	allow(c, EFAULT, b.avail < b.len);
	ret = read(SLOT_FD + i, b.p, b.len);
	end(c, CTL_READ, ret, ret <= MAX_SHOWN && ret <= b.avail);
}

void ctl_readv(struct caller *c)
{
	unsigned int i = slot_of(c, true);
	struct vector v = any_vector(c, 300);
	const struct iovec *iov = vector_at(c, &v);
	ssize_t ret;

	begin(c, "readv(ctl slot %u, %p, %d), %zu bytes%s", i, iov, v.nr, v.len,
	      v.wild ? ", wild" : "");
	allow_slot(c, i, O_RDONLY);
	allow_wild(c, v.wild);
	allow(c, EFAULT, v.short_of);
	ret = readv(SLOT_FD + i, iov, v.nr);
	end(c, CTL_READV, ret, ret <= 4 * MAX_SHOWN && (v.wild || ret <= v.avail));
}

/* The data node has no positions; the control node can be read anywhere. */
void any_pread(struct caller *c)
{
	unsigned int i = any_slot(c);
	struct buffer b = any_buffer(c, 1000);
	off_t at = any_offset(c);
	ssize_t ret;

	begin(c, "pread(%sslot %u, %p, %zu, %ld)", slot_is_ctl(i) ? "ctl " : "", i, b.p, b.len, at);
	allow_slot(c, i, O_RDONLY);
	allow_wild(c, b.wild);
	allow(c, EINVAL, at < 0 || at > LONG_MAX - ARENA);
	allow(c, EFAULT, b.avail < b.len);
	allow(c, ESPIPE, !slot_is_ctl(i));
	allow(c, EOVERFLOW, at > LONG_MAX - ARENA);
	ret = pread(SLOT_FD + i, b.p, b.len, at);
	end(c, PREAD, ret, slot_is_ctl(i) && ret <= MAX_SHOWN && ret <= b.avail);
}

void any_pwrite(struct caller *c)
{
	unsigned int i = any_slot(c);
	struct buffer b = any_buffer(c, 1000);
	off_t at = any_offset(c);

	begin(c, "pwrite(%sslot %u, %p, %zu, %ld)", slot_is_ctl(i) ? "ctl " : "", i, b.p, b.len,
	      at);
	allow_slot(c, i, O_WRONLY);
	allow(c, EINVAL, at < 0);
	allow(c, ESPIPE, true);
	end(c, PWRITE, pwrite(SLOT_FD + i, b.p, b.len, at), false);
}

static int any_rwf(struct caller *c)
{
	return one_in(&c->r, 3) ? 0 : one_in(&c->r, 3) ? rng(&c->r) : 1 << rng_below(&c->r, 6);
}

/* Position -1 means the current one. The data node has no other. */
void any_preadv2(struct caller *c)
{
	unsigned int i = any_slot(c);
	struct buffer b = any_buffer(c, 1000);
	struct iovec iov = { b.p, b.len };
	off_t at = one_in(&c->r, 3) ? any_offset(c) : -1;
	int flags = any_rwf(c);
	ssize_t ret;

	begin(c, "preadv2(%sslot %u, %p, %zu, %ld, %#x)", slot_is_ctl(i) ? "ctl " : "", i, b.p,
	      b.len, at, flags);
	allow_slot(c, i, O_RDONLY);
	allow_wild(c, b.wild);
	allow(c, EINVAL, at < -1 || flags || at > LONG_MAX - ARENA);
	allow(c, EFAULT, slot_is_ctl(i) ? b.avail < b.len : !b.avail);
	allow(c, ESPIPE, !slot_is_ctl(i) && at != -1);
	allow(c, EOVERFLOW, at > LONG_MAX - ARENA);
	allow(c, EOPNOTSUPP, flags);
	if (!slot_is_ctl(i) && b.len)
		allow_result(c, i);
	ret = preadv2(SLOT_FD + i, &iov, 1, at, flags);
	end(c, PREADV2, ret, ret <= (slot_is_ctl(i) ? MAX_SHOWN : MAX_REQUEST) && ret <= b.avail);
}

void any_pwritev2(struct caller *c)
{
	unsigned int i = slot_of(c, false);
	struct buffer b = any_buffer(c, 100);
	struct iovec iov = { b.p, b.len };
	off_t at = one_in(&c->r, 3) ? any_offset(c) : -1;
	int flags = any_rwf(c);
	ssize_t ret;

	begin(c, "pwritev2(slot %u, %p, %zu, %ld, %#x)", i, b.p, b.len, at, flags);
	allow_slot(c, i, O_WRONLY);
	allow_wild(c, b.wild);
	allow(c, EINVAL, at < -1 || flags);
	allow(c, EMSGSIZE, b.len > MAX_REQUEST);
	allow(c, EFAULT, b.avail < b.len && b.len <= MAX_REQUEST);
	allow(c, ESPIPE, at != -1);
	allow(c, EOPNOTSUPP, flags);
	if (b.len && b.avail == b.len && b.len <= MAX_REQUEST)
		allow_request(c, i);
	ret = pwritev2(SLOT_FD + i, &iov, 1, at, flags);
	end(c, PWRITEV2, ret, at == -1 && may_take(ret, b.len) &&
	    b.avail == b.len && b.len <= MAX_REQUEST);
}

/* Between a pipe and the data node. The control node cannot splice. */
void any_splice(struct caller *c)
{
	unsigned int i = one_in(&c->r, 4) ? any_slot(c) : slot_of(c, false);
	size_t len = 1 + rng_below(&c->r, 9000), there = 1 + rng_below(&c->r, 9000);
	bool from = one_in(&c->r, 2);
	int pipes[2] = { -1, -1 };
	ssize_t ret;

	if (pipe2(pipes, O_NONBLOCK | O_CLOEXEC) || write(pipes[1], c->arena, there) != there)
		die("pipe: %m");
	begin(c, "splice(%sslot %u %s, %zu), %zu in the pipe", slot_is_ctl(i) ? "ctl " : "", i,
	      from ? "from" : "to", len, there);
	allow_slot(c, i, from ? O_RDONLY : O_WRONLY);
	if (slot_is_ctl(i))
		allow(c, EINVAL, true);
	else if (from)
		allow_result(c, i);
	else
		allow_request(c, i);
	allow(c, EINVAL, c->threads || c->slots[i].open);	/* O_APPEND */
	ret = from ? splice(SLOT_FD + i, NULL, pipes[1], NULL, len, SPLICE_F_NONBLOCK) :
		splice(pipes[0], NULL, SLOT_FD + i, NULL, len, SPLICE_F_NONBLOCK);
	end(c, from ? SPLICE_IN : SPLICE_OUT, ret,
	    !slot_is_ctl(i) && ret <= len && (from || (ret && ret <= there)));
	close(pipes[0]);
	close(pipes[1]);
}

/* From a file: sendfile() does not read from the data node, which has no positions. */
void any_sendfile(struct caller *c)
{
	unsigned int from = any_slot(c), to = any_slot(c);
	bool file = !one_in(&c->r, 4);
	size_t len = 1 + rng_below(&c->r, 9000), there = rng_below(&c->r, 9000);
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	ssize_t ret;

	if (fd < 0 || ftruncate(fd, there))
		die("memfd: %m");
	begin(c, "sendfile(%sslot %u, %s %u, %zu)", slot_is_ctl(to) ? "ctl " : "", to,
	      file ? "file of" : "slot", file ? (unsigned int)there : from, len);
	if (!file)
		allow_slot(c, from, O_RDONLY);
	allow_slot(c, to, O_WRONLY);
	if (file && !slot_is_ctl(to))
		allow_request(c, to);
	allow(c, EINVAL, !file || slot_is_ctl(to) || c->threads || c->slots[to].open);
	ret = sendfile(SLOT_FD + to, file ? fd : SLOT_FD + from, NULL, len);
	end(c, SENDFILE, ret, file && ret <= len && ret <= there && (!ret || !slot_is_ctl(to)));
	close(fd);
}

/* Waits for the file's requests. Reports the error of one that cannot be read. */
void any_fsync(struct caller *c)
{
	unsigned int i = any_slot(c);

	begin(c, "fsync(%sslot %u)", slot_is_ctl(i) ? "ctl " : "", i);
	allow_slot(c, i, -1);
	allow(c, EINVAL, slot_is_ctl(i));
	allow(c, EIO, !slot_is_ctl(i));
	allow(c, ETIMEDOUT, !slot_is_ctl(i));
	end(c, FSYNC, one_in(&c->r, 2) ? fsync(SLOT_FD + i) : fdatasync(SLOT_FD + i),
	    !slot_is_ctl(i));
}

/* Asynchronous requests, up to MAX_FLIGHTS of each caller in progress */

static void aio_allow(struct caller *c, enum op which, unsigned int i, const struct buffer *b)
{
	allow(c, ENODEV, c->unbinding);
	allow(c, EFAULT, b->avail < b->len || b->wild);
	allow(c, EMSGSIZE, b->len > MAX_REQUEST);
	allow(c, EINVAL, which == AIO_SYNC || b->wild);
	if (which == AIO_WRITE || which == AIO_SYNC)
		allow_request(c, i);
	else
		allow_result(c, i);
	/* Its own errors, on a file with O_NONBLOCK too. */
	allow(c, EIO, true);
	allow(c, ETIMEDOUT, true);
	c->allowed[EINTR] = false;	/* only a killed process gets it */
}

/* An event has come: its operation's result must be allowed. */
static void aio_event(struct caller *c, const struct io_event *event)
{
	struct flight *flight = &c->flights[event->data];
	long ret = event->res;

	memcpy(c->allowed, flight->allowed, sizeof(c->allowed));
	snprintf(c->worker->now, sizeof(c->worker->now), "%s, slot %u, %zu bytes",
		 op_names[flight->which], flight->slot, flight->len);
	if (ret < 0)
		errno = -ret;
	end(c, flight->which, ret < 0 ? -1 : ret,
	    flight->which == AIO_WRITE ? may_take(ret, flight->len) :
	    flight->which == AIO_READ ? ret <= flight->len && ret <= MAX_REQUEST :
	    flight->which == AIO_SYNC ? !ret : true);
	flight->busy = false;
}

/* Take the events that are there. Now and then also end the context, with all in flight. */
static void aio_collect(struct caller *c)
{
	struct timespec timeout = { 0, rng_below(&c->r, 20) * 1000000 };
	struct io_event events[MAX_FLIGHTS];
	int nr, i;

	begin(c, "io_getevents");
	nr = aio_wait(c->aio, one_in(&c->r, 2), MAX_FLIGHTS, events, &timeout);
	for (i = 0; i < nr; i++)
		aio_event(c, &events[i]);
	if (one_in(&c->r, 10)) {
		aio_close(c->aio);
		c->aio = 0;
		memset(c->flights, 0, sizeof(c->flights));
	}
}

void any_aio(struct caller *c)
{
	static const enum op kinds[] = { AIO_WRITE, AIO_WRITE, AIO_READ, AIO_SYNC, AIO_POLL };
	static const unsigned int opcodes[] = {
		[AIO_WRITE] = IOCB_CMD_PWRITE, [AIO_READ] = IOCB_CMD_PREAD,
		[AIO_SYNC] = IOCB_CMD_FSYNC, [AIO_POLL] = IOCB_CMD_POLL,
	};
	unsigned int i = one_in(&c->r, 16) ? any_slot(c) : slot_of(c, false), n;
	enum op which = kinds[rng_below(&c->r, ARRAY_SIZE(kinds))];
	struct buffer b = any_buffer(c, one_in(&c->r, 4) ? 5000 : 100);
	struct flight *flight;
	int err;

	if (!c->aio)
		c->aio = aio_open(MAX_FLIGHTS);
	for (n = 0; n < MAX_FLIGHTS && c->flights[n].busy; n++)
		;
	if (!c->aio || n == MAX_FLIGHTS || one_in(&c->r, 4)) {
		if (c->aio)
			aio_collect(c);
		return;
	}
	if (which == AIO_SYNC || which == AIO_POLL)
		b = (struct buffer){ .p = which == AIO_POLL ? (void *)POLLIN : NULL };
	flight = &c->flights[n];
	*flight = (struct flight){ .busy = true, .which = which, .slot = i, .len = b.len };
	begin(c, "%s, slot %u, %zu bytes", op_names[which], i, b.len);
	aio_allow(c, which, i, &b);
	memcpy(flight->allowed, c->allowed, sizeof(c->allowed));
	allow_slot(c, i, which == AIO_WRITE ? O_WRONLY : which == AIO_READ ? O_RDONLY : -1);
	allow(c, EINVAL, slot_is_ctl(i) || b.wild || c->threads || c->slots[i].open);
	allow(c, EAGAIN, true);		/* no event is free */
	err = aio_submit(c->aio, SLOT_FD + i, opcodes[which], b.p, b.len, n);
	if (err) {
		flight->busy = false;
		errno = err;
	}
	end(c, AIO_SUBMIT, err ? -1 : 0, true);
}
