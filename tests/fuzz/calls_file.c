// SPDX-License-Identifier: GPL-2.0-only
/* Random system calls that transfer no data; attributes, bind and unbind. */
#include "calls.h"

#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

/* Are these events of poll() or epoll possible? */
static bool events_good(const struct caller *c, unsigned int i, short events)
{
	short may = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;

	if (c->unbinding)
		may |= POLLERR | POLLHUP;
	if (c->threads || !c->slots[i].open || c->slots[i].path)
		may |= POLLNVAL;
	return !(events & ~may);
}

void any_poll(struct caller *c)
{
	static const int timeouts[] = { -1, 0, 1, 10, INT_MAX, INT_MIN };
	unsigned int nr = rng_below(&c->r, 4), slots[4], k;
	int timeout = timeouts[rng_below(&c->r, ARRAY_SIZE(timeouts))];
	struct pollfd fds[4];
	bool good = true;
	int ret;

	for (k = 0; k < nr; k++) {
		slots[k] = any_slot(c);
		fds[k] = (struct pollfd){ SLOT_FD + slots[k],
					  one_in(&c->r, 2) ? POLLIN : rng(&c->r), 0 };
	}
	begin(c, "poll(%u, %d)", nr, timeout);
	allow(c, EINTR, true);	/* the signal may come before poll() looks at the events */
	if (one_in(&c->r, 20)) {
		allow(c, EFAULT, true);
		ret = poll((struct pollfd *)(c->arena + ARENA - 4), 1, timeout);
	} else {
		ret = poll(fds, nr, timeout);
		for (k = 0; ret > 0 && k < nr; k++)
			good &= events_good(c, slots[k], fds[k].revents);
	}
	end(c, POLL, ret, good && ret <= nr);
}

void any_epoll(struct caller *c)
{
	unsigned int i = any_slot(c);
	struct epoll_event event = { .events = EPOLLIN | (uint32_t)rng(&c->r), .data.u32 = i };
	int fd = epoll_create1(EPOLL_CLOEXEC), ret;

	begin(c, "epoll(slot %u, %#x)", i, event.events);
	allow(c, EBADF, c->threads || !c->slots[i].open || c->slots[i].path);
	allow(c, EINVAL, event.events & EPOLLEXCLUSIVE);
	allow(c, EINTR, true);
	ret = epoll_ctl(fd, EPOLL_CTL_ADD, SLOT_FD + i, &event);
	if (!ret)
		ret = epoll_wait(fd, &event, 1, rng_below(&c->r, 5));
	end(c, EPOLL, ret, ret == 0 || (ret == 1 && events_good(c, i, event.events)));
	close(fd);
}

void any_lseek(struct caller *c)
{
	unsigned int i = any_slot(c);
	off_t at = any_offset(c) & ~(1l << 62);	/* or the next read could overflow */
	int whence = one_in(&c->r, 2) ? SEEK_SET : rng_below(&c->r, 7);
	off_t ret;

	begin(c, "lseek(%sslot %u, %ld, %d)", slot_is_ctl(i) ? "ctl " : "", i, at, whence);
	allow_slot(c, i, -1);
	allow(c, ESPIPE, !slot_is_ctl(i));
	allow(c, EINVAL, whence > SEEK_CUR || at < 0);
	ret = lseek(SLOT_FD + i, at, whence);
	end(c, LSEEK, ret < 0 ? -1 : 0, slot_is_ctl(i));
}

/* The nodes have no ioctls, but FIONBIO works on any file. */
void any_ioctl(struct caller *c)
{
	unsigned int i = any_slot(c);
	unsigned int command = rng(&c->r);
	bool nonblock = one_in(&c->r, 8);
	int on = one_in(&c->r, 2), ret;

	if (nonblock)
		command = FIONBIO;
	else if (!(command & 0xff00) || strchr("TfXrS\022\024\224", command >> 8 & 0xff))
		command = (command & ~0xff00u) | 's' << 8;
	begin(c, "ioctl(slot %u, %#x)", i, command);
	allow_slot(c, i, -1);
	allow(c, ENOTTY, !nonblock);
	ret = ioctl(SLOT_FD + i, command, &on);
	if (!ret && c->slots[i].nonblock != UNSURE)
		c->slots[i].nonblock = on;
	end(c, IOCTL, ret, nonblock);
}

void any_mmap(struct caller *c)
{
	unsigned int i = any_slot(c);
	size_t len = one_in(&c->r, 2) ? 4096 : rng(&c->r) >> rng_below(&c->r, 64);
	int prot = rng_below(&c->r, 8), flags = 1 + rng_below(&c->r, 3);
	off_t at = one_in(&c->r, 2) ? 0 : any_offset(c);
	void *p;

	begin(c, "mmap(%zu, %#x, %#x, slot %u, %ld)", len, prot, flags, i, at);
	allow_slot(c, i, O_RDONLY);
	allow(c, ENODEV, true);
	allow(c, EACCES, true);
	allow(c, EPERM, prot & PROT_EXEC);
	allow(c, EINVAL, !len || at % 4096 || at < 0);
	allow(c, ENOMEM, len > 1l << 30);
	allow(c, EOVERFLOW, at > INT_MAX || len > 1l << 40);
	allow(c, EOPNOTSUPP, flags == MAP_SHARED_VALIDATE);
	p = mmap(NULL, len, prot, flags, SLOT_FD + i, at);
	end(c, MMAP, p == MAP_FAILED ? -1 : 0, false);
}

void any_open(struct caller *c)
{
	static const int extra[] = {
		O_NONBLOCK, O_APPEND, O_TRUNC, O_CREAT, O_EXCL, O_DIRECT, O_DIRECTORY, O_PATH,
		O_NOATIME, O_SYNC, O_ASYNC, O_NOCTTY, O_NOFOLLOW,
	};
	unsigned int i = own_slot(c), nr = one_in(&c->r, 2) ? 0 : rng_below(&c->r, 4);
	int flags = one_in(&c->r, 4) ? rng_below(&c->r, 4) : O_RDWR, fd;

	if (one_in(&c->r, 3))
		flags |= O_NONBLOCK;
	while (nr--)
		flags |= extra[rng_below(&c->r, 13)];
	if (c->unbinding)
		flags &= ~O_CREAT;	/* would make a plain file while the node is gone */
	begin(c, "open(slot %u, %#x)", i, flags);
	allow(c, ENODEV, c->unbinding);
	allow(c, ENXIO, c->unbinding);
	allow(c, ENOENT, c->unbinding);
	allow(c, EINVAL, flags & O_DIRECT || (flags & O_CREAT && flags & O_DIRECTORY));
	allow(c, EEXIST, flags & O_CREAT && flags & O_EXCL);
	allow(c, ENOTDIR, flags & O_DIRECTORY);
	allow(c, EISDIR, flags & O_CREAT && flags & O_DIRECTORY);
	fd = open_node(slot_device(c, i), slot_is_ctl(i), flags);
	end(c, OPEN, fd, flags & O_PATH || !(flags & (O_DIRECT | O_DIRECTORY)));
	if (fd < 0)
		return;
	dup3(fd, SLOT_FD + i, O_CLOEXEC);
	close(fd);
	c->slots[i] =
		(struct slot){ true, flags & O_PATH, flags & O_ACCMODE, !!(flags & O_NONBLOCK) };
}

void any_close(struct caller *c)
{
	unsigned int i = own_slot(c);

	begin(c, "close(slot %u)", i);
	allow(c, EBADF, c->threads || !c->slots[i].open);
	end(c, CLOSE, close(SLOT_FD + i), true);
	c->slots[i].open = false;
}

void any_dup(struct caller *c)
{
	unsigned int to = own_slot(c), from = (any_slot(c) & ~3u) | (to & 3);
	int ret;

	begin(c, "dup3(slot %u, slot %u)", from, to);
	allow(c, EBADF, c->threads || !c->slots[from].open);
	allow(c, EINVAL, from == to);
	ret = dup3(SLOT_FD + from, SLOT_FD + to, O_CLOEXEC);
	end(c, DUP, ret, ret == SLOT_FD + to);
	if (ret < 0)
		return;
	c->slots[from].nonblock = UNSURE;
	c->slots[to] = c->slots[from];
}

void any_setfl(struct caller *c)
{
	unsigned int i = any_slot(c);
	int flags = one_in(&c->r, 2) ? O_NONBLOCK : 0, ret;

	if (one_in(&c->r, 4))
		flags |= rng(&c->r) &
			 (O_APPEND | O_ASYNC | O_DIRECT | O_NOATIME | O_CREAT | O_ACCMODE);
	begin(c, "fcntl(slot %u, F_SETFL, %#x)", i, flags);
	allow_slot(c, i, -1);
	allow(c, EINVAL, flags & O_DIRECT);
	ret = fcntl(SLOT_FD + i, F_SETFL, flags);
	end(c, SETFL, ret, !(flags & O_DIRECT));
	if (!ret && c->slots[i].nonblock != UNSURE)
		c->slots[i].nonblock = !!(flags & O_NONBLOCK);
}

void any_fcntl(struct caller *c)
{
	static const int known[] = {
		F_GETFL, F_GETFD, F_GETOWN, F_GETSIG, F_GETLK, F_SETLK, F_GETLEASE, F_SETLEASE,
		F_NOTIFY, F_SETPIPE_SZ, F_GETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS,
	};
	unsigned int i = any_slot(c);
	int command = one_in(&c->r, 4) ? 2000 + rng_below(&c->r, INT_MAX / 2) :
					 known[rng_below(&c->r, 13)];
	struct flock lock = { .l_type = rng_below(&c->r, 4), .l_whence = rng_below(&c->r, 4),
			      .l_start = any_offset(c), .l_len = any_offset(c) };
	unsigned long arg = command == F_GETLK || command == F_SETLK ? (unsigned long)&lock :
		rng_below(&c->r, 5);

	begin(c, "fcntl(slot %u, %d, %#lx)", i, command, arg);
	allow(c, EBADF, true);
	allow(c, EINVAL, true);
	allow(c, EAGAIN, command == F_SETLK);
	allow(c, EOVERFLOW, command == F_SETLK || command == F_GETLK);
	allow(c, EACCES, command == F_SETLEASE);
	allow(c, ENOTDIR, command == F_NOTIFY);
	allow(c, EPERM, command == F_ADD_SEALS);
	end(c, FCNTL, fcntl(SLOT_FD + i, command, arg), command < 2000);
}

void any_ftruncate(struct caller *c)
{
	unsigned int i = any_slot(c);
	off_t len = any_offset(c);

	begin(c, "ftruncate(slot %u, %ld)", i, len);
	allow_slot(c, i, -1);
	allow(c, EINVAL, true);
	end(c, FTRUNCATE, ftruncate(SLOT_FD + i, len), false);
}

void any_fallocate(struct caller *c)
{
	unsigned int i = any_slot(c);
	off_t at = any_offset(c), len = any_offset(c);
	int mode = one_in(&c->r, 2) ? 0 : rng(&c->r);

	begin(c, "fallocate(slot %u, %#x, %ld, %ld)", i, mode, at, len);
	allow_slot(c, i, O_WRONLY);
	allow(c, ENODEV, true);
	allow(c, EINVAL, at < 0 || len <= 0 || mode);
	allow(c, EOPNOTSUPP, mode);
	allow(c, EPERM, mode || c->threads || c->slots[i].open);	/* O_APPEND and such */
	end(c, FALLOCATE, fallocate(SLOT_FD + i, mode, at, len), false);
}

/* Of a device that may be unbound. */
static void allow_gone(struct caller *c)
{
	allow(c, ENODEV, c->unbinding);
	allow(c, ENOENT, c->unbinding);
}

void attr_read(struct caller *c)
{
	const struct attr *attr = &attrs[rng_below(&c->r, NR_ATTRS)];
	unsigned int device = c->first + rng_below(&c->r, 2);
	struct buffer b = any_buffer(c, 40);
	off_t at = one_in(&c->r, 2) ? 0 : any_offset(c);
	ssize_t ret;
	int fd;

	begin(c, "pread(%s of %u, %p, %zu, %ld), %zu writable", attr->name, device, b.p, b.len, at,
	      b.avail);
	allow_gone(c);
	allow_wild(c, b.wild);
	allow(c, EFAULT, b.avail < b.len);
	allow(c, EINVAL, at < 0 || at > LONG_MAX - ARENA);
	allow(c, EOVERFLOW, at > LONG_MAX - ARENA);
	fd = open_attr(device, attr->name, O_RDONLY);
	ret = fd < 0 ? -1 : pread(fd, b.p, b.len, at);
	end(c, ATTR_READ, ret, ret <= b.avail && ret <= 4096);
	close(fd);
}

/* Time-outs stay short, or a device that hangs would do so to the end of the run. */
void attr_write(struct caller *c)
{
	static __thread char text[6200];
	unsigned int i = one_in(&c->r, 4) ? rng_below(&c->r, NR_ATTRS) :
					    rng_below(&c->r, NR_SETTINGS);
	unsigned int device = c->first + rng_below(&c->r, 2), value = 0;
	const struct attr *attr = &attrs[i];
	size_t len = put_setting(&c->r, text);
	int fd, err;
	ssize_t ret;

	err = len ? predict_attr(attr, (uint8_t *)text, len, &value) : 0;
	if (!err && value > 2)
		len = sprintf(text, "%u", 1 + rng_below(&c->r, 2));
	begin(c, "write(%s of %u, '%s', %zu)", attr->name, device, quoted((uint8_t *)text, len),
	      len);
	allow_gone(c);
	if (i >= NR_SETTINGS)
		allow(c, EACCES, true);
	else
		allow(c, err, err);
	fd = open_attr(device, attr->name, O_WRONLY);
	ret = fd < 0 ? -1 : write(fd, text, len);
	end(c, ATTR_WRITE, ret, i < NR_SETTINGS && !err && ret == (len < 4096 ? len : 4096));
	close(fd);
}

/* A parameter of iotimer. It also takes octal and hexadecimal, so no errno is predicted. */
void budget_write(struct caller *c)
{
	static __thread char text[6200];
	size_t len = put_setting(&c->r, text);
	int fd = open("/sys/module/iotimer/parameters/budget_us", O_RDWR | O_CLOEXEC);

	begin(c, "write(budget_us, %zu)", len);
	allow(c, EINVAL, true);
	allow(c, ERANGE, true);
	end(c, BUDGET, write(fd, text, len),
	    len == 0 || (text[0] >= '0' && text[0] <= '9') || text[0] == '+');
	close(fd);
}

/* Names that cannot be bound or unbound; binder_run() has those that can. */
void bind_write(struct caller *c)
{
	static const char *const names[] = {
		"sim_dev", "sim_dev.", "sim_dev.01", "sim_dev.999", "sim_dev.1 ", " sim_dev.1",
		"sim_dev.-1", "SIM_DEV.1", "sim_dev.1\n\n", "serial8250", "\n", "..", "%s%s%n",
	};
	bool bind = one_in(&c->r, 2);
	char text[200], path[128];
	ssize_t ret;
	size_t len;
	int fd;

	if (one_in(&c->r, 2))
		len = put_noise(&c->r, text, sizeof(text));
	else
		len = sprintf(text, "%s",
			      bind && one_in(&c->r, 3) ? "sim_dev.0" :
							 names[rng_below(&c->r, 13)]);
	begin(c, "%s, %zu bytes", bind ? "bind" : "unbind", len);
	allow(c, ENODEV, true);
	allow(c, EBUSY, bind);
	snprintf(path, sizeof(path), DRIVER "%s", bind ? "bind" : "unbind");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ret = fd < 0 ? -1 : write(fd, text, len);
	end(c, bind ? BIND : UNBIND, ret, !len);
	close(fd);
}
