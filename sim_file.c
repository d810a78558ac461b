// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_file - the data node of a simulated device
 *
 * One write() to /dev/sim_devN is one request, which sim_dev.c carries out. One
 * read() returns one result. sim_dev(4) says what each system call returns.
 *
 * A request is on its file's list until it is done and, if the file is open for
 * reading, until its result was read. A blocking write() waits for its request.
 * sim_dev_unlock() completes an asynchronous write().
 *
 * sim_dev.lock protects the list and its requests. An open node holds a
 * reference to the struct sim_dev, so a file can be used after the driver was
 * unbound. Then sim_dev.gone is set, and nothing is outstanding.
 */
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "compat.h"
#include "sim_dev.h"

#define SIM_FILE_MAX_RESULTS	64	/* unread or outstanding requests of a file */

/* Allocate a request of @len bytes, or reuse the spare one if it is large enough. */
static struct sim_request *sim_request_alloc(struct sim_file *file, size_t len)
{
	struct sim_request *req = xchg(&file->spare, NULL);
	size_t room = len;

	if (req && req->room >= len) {
		room = req->room;
	} else {
		kfree(req);
		req = kmalloc(struct_size(req, data, len), GFP_KERNEL_ACCOUNT);
	}
	if (!req)
		return NULL;
	memset(req, 0, sizeof(*req));
	refcount_set(&req->ref, 1);
	init_completion(&req->completed);
	INIT_LIST_HEAD(&req->queue);
	INIT_LIST_HEAD(&req->list);
	req->room = room;
	req->len = len;
	return req;
}

/* Drop write()'s reference. With the last one, keep the request for the next write(). */
static void sim_request_put_spare(struct sim_file *file, struct sim_request *req)
{
	if (refcount_dec_and_test(&req->ref))
		kfree(xchg(&file->spare, req));
}

/* May the file submit a request now? Caller holds the lock. */
static int sim_file_admit(const struct sim_file *file)
{
	const struct sim_dev *sim = file->sim;

	if (sim->gone)
		return -ENODEV;
	if (file->error)
		return file->error;
	if (file->keeps_results && file->nr_requests >= SIM_FILE_MAX_RESULTS)
		return -ENOBUFS;
	if (sim->outstanding >= sim->depth)
		return -EAGAIN;
	return 0;
}

static bool sim_file_must_wait(struct sim_file *file)
{
	unsigned long flags;
	int err;

	spin_lock_irqsave(&file->sim->lock, flags);
	err = sim_file_admit(file);
	spin_unlock_irqrestore(&file->sim->lock, flags);
	return err == -EAGAIN;
}

/* Queue a request. The caller keeps a reference of its own. */
static int sim_file_submit(struct sim_file *file, struct sim_request *req)
{
	struct sim_dev *sim = file->sim;
	unsigned long flags;
	int err;

	spin_lock_irqsave(&sim->lock, flags);
	err = sim_file_admit(file);
	if (!err) {
		refcount_set(&req->ref, 2);
		req->file = file;
		list_add_tail(&req->list, &file->requests);
		file->nr_requests++;
		sim_dev_queue(sim, req);
	} else if (err == file->error) {
		file->error = 0;	/* reported once */
	}
	spin_unlock_irqrestore(&sim->lock, flags);
	return err;
}

/*
 * The task state for a wait for room in the queue, or for a result to read. Any
 * signal ends the wait of a system call, which can be restarted. An
 * asynchronous request has no system call to restart, so only a fatal signal
 * ends its wait.
 */
static unsigned int sim_file_wait_state(struct kiocb *iocb)
{
	return is_sync_kiocb(iocb) ? TASK_INTERRUPTIBLE :
				     TASK_KILLABLE | TASK_FREEZABLE;
}

/*
 * Wait until the request is done, or cancel it on a fatal signal. Other signals
 * do not end the wait: the restarted system call would queue a new request at
 * the end of the queue, and the device may do the cancelled request as well.
 */
static int sim_file_wait(struct sim_dev *sim, struct sim_request *req,
			 unsigned int state)
{
	unsigned long flags;
	int result;

	if (!wait_for_completion_state(&req->completed, state))
		return req->result;

	spin_lock_irqsave(&sim->lock, flags);
	if (!req->done) {
		sim_dev_cancel(sim, req);
		result = -EINTR;
	} else {
		result = req->result;
	}
	sim_dev_unlock(sim, flags);
	return result;
}

static ssize_t sim_file_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct sim_file *file = iocb->ki_filp->private_data;
	bool nonblock = iocb->ki_filp->f_flags & O_NONBLOCK;
	bool async = !is_sync_kiocb(iocb);
	bool may_wait = !nonblock && !(iocb->ki_flags & IOCB_NOWAIT);
	/* Do not freeze in splice(): it holds the pipe's lock. */
	unsigned int state = TASK_KILLABLE |
			     (user_backed_iter(from) ? TASK_FREEZABLE : 0);
	size_t len = iov_iter_count(from);
	struct sim_request *req;
	ssize_t ret;

	if (READ_ONCE(file->sim->gone))	/* sim_file_admit() checks again, locked */
		return -ENODEV;
	if (len > SIM_HW_BUFFER_SIZE)
		return -EMSGSIZE;
	if (!len)
		return 0;

	req = sim_request_alloc(file, len);
	if (!req)
		return -ENOMEM;
	req->nonblock = nonblock && !async;
	req->iocb = async ? iocb : NULL;
	if (!copy_from_iter_full(req->data, len, from)) {
		ret = -EFAULT;
		goto out;
	}

	ret = sim_file_submit(file, req);
	while (ret == -EAGAIN && may_wait) {
		ret = wait_event_state(file->sim->room,
				       !sim_file_must_wait(file),
				       sim_file_wait_state(iocb));
		if (ret)
			goto out;
		ret = sim_file_submit(file, req);
	}
	if (!ret && async)	/* sim_dev_unlock() drops our reference */
		return -EIOCBQUEUED;
	if (!ret)
		ret = nonblock ? len : sim_file_wait(file->sim, req, state);
out:
	sim_request_put_spare(file, req);
	return ret;
}

/* Split the data into requests of at most one device buffer each. */
static ssize_t sim_file_splice_write(struct pipe_inode_info *pipe,
				     struct file *filp, loff_t *pos, size_t len,
				     unsigned int flags)
{
	ssize_t done = 0, ret;

	do {
		ret = iter_file_splice_write(pipe, filp, pos,
					     min_t(size_t, len - done,
						   SIM_HW_BUFFER_SIZE),
					     flags);
		if (ret <= 0)
			break;
		done += ret;
		flags |= SPLICE_F_NONBLOCK;	/* do not wait for more in the pipe */
	} while (done < len);
	return done ? done : ret;
}

/* Are the file's requests up to this number done? The list is sorted by number. */
static bool sim_file_is_flushed(struct sim_file *file, u64 number)
{
	struct sim_request *req;
	unsigned long flags;
	bool flushed = true;

	spin_lock_irqsave(&file->sim->lock, flags);
	list_for_each_entry(req, &file->requests, list) {
		if (!req->done) {
			flushed = req->number > number;
			break;
		}
	}
	spin_unlock_irqrestore(&file->sim->lock, flags);
	return flushed;
}

/* The number of the request submitted last. */
static u64 sim_file_last_number(struct sim_dev *sim)
{
	unsigned long flags;
	u64 number;

	spin_lock_irqsave(&sim->lock, flags);
	number = sim->stats.submitted;
	spin_unlock_irqrestore(&sim->lock, flags);
	return number;
}

/* Wait for the requests that were submitted before this call, not for later ones. */
static int sim_file_fsync(struct file *filp, loff_t start, loff_t end,
			  int datasync)
{
	struct sim_file *file = filp->private_data;
	struct sim_dev *sim = file->sim;
	u64 number = sim_file_last_number(sim);
	unsigned long flags;
	int err;

	if (wait_event_state(file->wait, sim_file_is_flushed(file, number),
			     (TASK_KILLABLE | TASK_FREEZABLE)))
		return -EINTR;
	spin_lock_irqsave(&sim->lock, flags);
	err = sim->gone ? -ENODEV : file->error;
	file->error = 0;
	spin_unlock_irqrestore(&sim->lock, flags);
	return err;
}

/* Return 1 if there is a result to read, 0 at the end of the file, or an errno for read(). */
static int sim_file_peek(struct sim_file *file, struct sim_request **first)
{
	struct sim_dev *sim = file->sim;
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&sim->lock, flags);
	*first = list_first_entry_or_null(&file->requests, struct sim_request,
					  list);
	if (sim->gone)
		ret = -ENODEV;
	else if (!*first)
		ret = 0;
	else
		ret = (*first)->done ? 1 : -EAGAIN;
	spin_unlock_irqrestore(&sim->lock, flags);
	return ret;
}

/* Take the first result off the list. Caller holds read_lock. */
static void sim_file_pop(struct sim_file *file, struct sim_request *first)
{
	struct sim_dev *sim = file->sim;
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	sim_request_unlist(first);
	spin_unlock_irqrestore(&sim->lock, flags);
	sim_request_put(first);
}

/* Read from the first result, which is done. Caller holds read_lock. */
static ssize_t sim_file_read_first(struct sim_file *file,
				   struct sim_request *first,
				   struct iov_iter *to)
{
	ssize_t ret = first->result;

	if (ret > 0) {
		ret = copy_to_iter(first->data + first->offset,
				   first->result - first->offset, to);
		if (!ret)
			return -EFAULT;
		first->offset += ret;
	}
	if (ret <= 0 || first->offset == first->result)
		sim_file_pop(file, first);
	return ret;
}

/* Take read_lock, which is not held during the wait for a result. */
static int sim_file_lock_reader(struct sim_file *file, struct kiocb *iocb,
				bool nonblock)
{
	if (nonblock)
		return mutex_trylock(&file->read_lock) ? 0 : -EAGAIN;
	if (is_sync_kiocb(iocb))
		return mutex_lock_interruptible(&file->read_lock) ?
			-ERESTARTSYS : 0;
	return mutex_lock_killable(&file->read_lock);
}

static ssize_t sim_file_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct sim_file *file = iocb->ki_filp->private_data;
	bool nonblock = iocb->ki_filp->f_flags & O_NONBLOCK ||
			iocb->ki_flags & IOCB_NOWAIT;
	struct sim_request *first;
	ssize_t ret;

	if (!iov_iter_count(to))
		return 0;
	for (;;) {
		ret = sim_file_lock_reader(file, iocb, nonblock);
		if (ret)
			return ret;
		ret = sim_file_peek(file, &first);
		if (ret > 0)
			ret = sim_file_read_first(file, first, to);
		mutex_unlock(&file->read_lock);
		if (ret != -EAGAIN || nonblock)
			return ret;
		ret = wait_event_state(file->wait,
				       sim_file_peek(file, &first) != -EAGAIN,
				       sim_file_wait_state(iocb));
		if (ret)
			return ret;
	}
}

/*
 * One wait queue for both directions. libaio's poll takes only one, and epoll
 * stays on the queues of its first call even if it is told later to watch the
 * other direction.
 */
static __poll_t sim_file_poll(struct file *filp, poll_table *wait)
{
	struct sim_file *file = filp->private_data;
	struct sim_request *first;
	unsigned long flags;
	__poll_t mask = 0;
	int admit;

	poll_wait(filp, &file->wait, wait);

	spin_lock_irqsave(&file->sim->lock, flags);
	admit = sim_file_admit(file);
	first = list_first_entry_or_null(&file->requests, struct sim_request,
					 list);
	if (file->sim->gone) {
		mask = EPOLLERR | EPOLLHUP;
	} else {
		if (file->keeps_results && (!first || first->done))
			mask |= EPOLLIN | EPOLLRDNORM;	/* a result, or the end */
		if (!admit || file->error)
			mask |= EPOLLOUT | EPOLLWRNORM;
	}
	spin_unlock_irqrestore(&file->sim->lock, flags);
	return mask;
}

static struct sim_file *sim_file_alloc(struct sim_dev *sim, bool keeps_results)
{
	struct sim_file *file = kzalloc(sizeof(*file), GFP_KERNEL);
	unsigned long flags;

	if (!file)
		return NULL;
	file->sim = sim;	/* the open node holds a reference */
	file->keeps_results = keeps_results;
	INIT_LIST_HEAD(&file->requests);
	init_waitqueue_head(&file->wait);
	mutex_init(&file->read_lock);
	spin_lock_irqsave(&sim->lock, flags);
	list_add(&file->node, &sim->files);
	spin_unlock_irqrestore(&sim->lock, flags);
	return file;
}

/* Called on the last close: drop the requests, whose results nobody can read any more. */
static void sim_file_free(struct sim_file *file)
{
	struct sim_dev *sim = file->sim;
	struct sim_request *req, *next;
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	list_del(&file->node);
	file->keeps_results = false;
	list_for_each_entry_safe(req, next, &file->requests, list) {
		if (!req->done) {
			sim_dev_cancel(sim, req);
		} else {
			sim_request_unlist(req);
			sim_request_put(req);
		}
	}
	sim_dev_unlock(sim, flags);
	mutex_destroy(&file->read_lock);
	kfree(file->spare);
	kfree(file);
}

static int sim_file_open(struct inode *inode, struct file *filp)
{
	struct sim_dev *sim = container_of(inode->i_cdev, struct sim_dev,
					   data_node.cdev);

	if (READ_ONCE(sim->gone))
		return -ENODEV;
	filp->private_data = sim_file_alloc(sim, filp->f_mode & FMODE_READ);
	if (!filp->private_data)
		return -ENOMEM;
	return stream_open(inode, filp);
}

static int sim_file_release(struct inode *inode, struct file *filp)
{
	sim_file_free(filp->private_data);
	return 0;
}

const struct file_operations sim_file_fops = {
	.owner = THIS_MODULE,
	.open = sim_file_open,
	.release = sim_file_release,
	.read_iter = sim_file_read_iter,
	.write_iter = sim_file_write_iter,
	.splice_read = copy_splice_read,
	.splice_write = sim_file_splice_write,
	.fsync = sim_file_fsync,
	.poll = sim_file_poll,
};
