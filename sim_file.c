// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_file - the data node of a simulated device
 *
 * One write() to /dev/sim_devN is one request, which sim_dev.c carries out. One
 * read() returns one result. sim_dev(4) says what each system call returns.
 *
 * A request is on its file's list until it is done and, if the file is open for
 * reading, until its result was read. A blocking write() waits for its request.
 * sim_file_done() completes an asynchronous write().
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

/**
 * struct sim_file - an open data node
 * @sim: its device
 * @keeps_results: opened for reading too
 * @requests: the outstanding requests and, if @keeps_results, those whose results
 *	were not read yet, in the order of submission
 * @nr_requests: entries of @requests
 * @error: error of a request that has no reader, kept for fsync() or the next
 *	write(); 0 if none
 * @watcher: its wait queue is that of read(), fsync() and poll. It is also woken when
 *	a request is done or taken off the list
 * @spare: a freed request for the next write() to reuse, or NULL; only
 *	exchanged, by xchg()
 * @read_lock: one reader at a time; only its holder takes a request that is done
 *	off the list
 *
 * sim_dev.lock protects @keeps_results to @watcher.
 */
struct sim_file {
	struct sim_dev *sim;
	bool keeps_results;
	struct list_head requests;
	unsigned int nr_requests;
	int error;
	struct sim_watcher watcher;
	struct sim_file_request *spare;
	struct mutex read_lock;	/* one reader at a time */
};

/**
 * struct sim_file_request - one write()
 * @req: what the driver gets
 * @ref: the driver and the file's list share one reference, until the request is
 *	done and off the list. write() has another; with an @iocb, write() leaves it
 *	to sim_file_done()
 * @sim: its device
 * @list: entry in sim_file.requests
 * @file: the file whose list it is on, or NULL
 * @completed: what a blocking write() waits for
 * @iocb: the asynchronous write() that gets the result, or NULL
 * @nonblock: the submitter does not wait, so an error is reported later: by
 *	read() if the file has a reader, else by fsync() or the next write()
 * @done: the result is valid. sim_dev.lock protects this, @list and @file
 * @offset: bytes of the result that were read; protected by sim_file.read_lock
 * @room: size of @data in bytes
 * @data: what was written; once @done, what was looped back, if the file has a
 *	reader
 */
struct sim_file_request {
	struct sim_request req;
	refcount_t ref;
	struct sim_dev *sim;
	struct list_head list;
	struct sim_file *file;
	struct completion completed;
	struct kiocb *iocb;
	bool nonblock;
	bool done;
	size_t offset;
	size_t room;
	u8 data[];
};

/* Drop references, and free the request with the last one. */
static void sim_file_put(struct sim_file_request *freq, int refs)
{
	if (refcount_sub_and_test(refs, &freq->ref))
		kfree(freq);
}

/*
 * Take a request off its file's list, if it is on one. The list and the driver share
 * one reference: if the request is done, drop it by sim_file_put(). Caller holds the
 * lock.
 */
static void sim_file_unlist(struct sim_file_request *freq)
{
	struct sim_file *file = freq->file;

	lockdep_assert_held(&freq->sim->lock);
	if (!file)
		return;
	freq->file = NULL;
	list_del_init(&freq->list);
	file->nr_requests--;
	sim_dev_wake(&file->watcher.wait);
}

/* Put the result of a request where write(), read() or fsync() finds it. Caller holds the lock. */
static bool sim_file_keep_result(struct sim_file_request *freq)
{
	struct sim_file *file = freq->file;
	int result = freq->req.result;

	freq->done = true;
	/* The writer holds a reference of its own, which it may drop at once. */
	complete(&freq->completed);
	if (file && file->keeps_results && (result >= 0 || freq->nonblock)) {
		sim_dev_wake(&file->watcher.wait);
		return true;
	}
	if (file && !file->keeps_results && result < 0 && freq->nonblock)
		file->error = result;
	sim_file_unlist(freq);
	return false;
}

/* The driver is done with the request. */
static void sim_file_done(struct sim_request *req)
{
	struct sim_file_request *freq =
		container_of(req, struct sim_file_request, req);
	struct kiocb *iocb = freq->iocb;
	int result = req->result;
	struct sim_dev *sim = freq->sim;
	unsigned long flags;
	int refs;

	spin_lock_irqsave(&sim->lock, flags);
	refs = !sim_file_keep_result(freq) + !!iocb;
	spin_unlock_irqrestore(&sim->lock, flags);
	if (refs)	/* else a reader may have freed the request */
		sim_file_put(freq, refs);
	if (iocb)
		iocb->ki_complete(iocb, result);	/* may free the file */
}

/*
 * Take a request off its file's list, and cancel it if it is not done. Return true if
 * the caller is to drop the driver's reference, else sim_file_done() does. Caller holds
 * the lock.
 */
static bool sim_file_cancel(struct sim_file_request *freq)
{
	bool is_back = freq->done || sim_dev_cancel(freq->sim, &freq->req);

	sim_file_unlist(freq);
	return is_back;
}

/* Allocate a request of @len bytes, or reuse the spare one if it is large enough. */
static struct sim_file_request *sim_file_alloc_request(struct sim_file *file,
						       size_t len)
{
	struct sim_file_request *freq = xchg(&file->spare, NULL);
	size_t room = len;

	if (freq && freq->room >= len) {
		room = freq->room;
	} else {
		kfree(freq);
		freq = kmalloc(struct_size(freq, data, len), GFP_KERNEL_ACCOUNT);
	}
	if (!freq)
		return NULL;
	memset(freq, 0, sizeof(*freq));
	refcount_set(&freq->ref, 1);
	init_completion(&freq->completed);
	INIT_LIST_HEAD(&freq->list);
	freq->sim = file->sim;
	freq->room = room;
	freq->req.data = freq->data;
	freq->req.len = len;
	freq->req.done = sim_file_done;
	return freq;
}

/* Drop write()'s reference. With the last one, keep the request for the next write(). */
static void sim_file_put_spare(struct sim_file *file,
			       struct sim_file_request *freq)
{
	if (refcount_dec_and_test(&freq->ref))
		kfree(xchg(&file->spare, freq));
}

/* May the file submit a request now? Caller holds the lock. */
static int sim_file_admit(const struct sim_file *file)
{
	int err = sim_dev_admit(file->sim);

	if (err == -ENODEV)
		return err;
	if (file->error)
		return file->error;
	if (file->keeps_results && file->nr_requests >= SIM_FILE_MAX_RESULTS)
		return -ENOBUFS;
	return err;
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
static int sim_file_submit(struct sim_file *file, struct sim_file_request *freq)
{
	struct sim_dev *sim = file->sim;
	unsigned long flags;
	int err;

	spin_lock_irqsave(&sim->lock, flags);
	err = sim_file_admit(file);
	if (!err) {
		refcount_set(&freq->ref, 2);
		freq->file = file;
		list_add_tail(&freq->list, &file->requests);
		file->nr_requests++;
		freq->req.read_back = file->keeps_results;
		sim_dev_queue(sim, &freq->req, freq->nonblock);
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
static int sim_file_wait(struct sim_file_request *freq, unsigned int state)
{
	struct sim_dev *sim = freq->sim;
	unsigned long flags;
	int result;

	if (!wait_for_completion_state(&freq->completed, state))
		return freq->req.result;

	spin_lock_irqsave(&sim->lock, flags);
	result = freq->done ? freq->req.result : -EINTR;
	if (!freq->done && sim_file_cancel(freq))
		refcount_dec(&freq->ref);	/* write() has another */
	spin_unlock_irqrestore(&sim->lock, flags);
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
	struct sim_file_request *freq;
	ssize_t ret;

	if (READ_ONCE(file->sim->gone))	/* sim_file_admit() checks again, locked */
		return -ENODEV;
	if (len > SIM_HW_BUFFER_SIZE)
		return -EMSGSIZE;
	if (!len)
		return 0;

	freq = sim_file_alloc_request(file, len);
	if (!freq)
		return -ENOMEM;
	freq->nonblock = nonblock && !async;
	freq->iocb = async ? iocb : NULL;
	if (!copy_from_iter_full(freq->data, len, from)) {
		ret = -EFAULT;
		goto out;
	}

	ret = sim_file_submit(file, freq);
	while (ret == -EAGAIN && may_wait) {
		ret = wait_event_state(file->sim->room,
				       !sim_file_must_wait(file),
				       sim_file_wait_state(iocb));
		if (ret)
			goto out;
		ret = sim_file_submit(file, freq);
	}
	if (!ret && async)	/* sim_file_done() drops our reference */
		return -EIOCBQUEUED;
	if (!ret)
		ret = nonblock ? len : sim_file_wait(freq, state);
out:
	sim_file_put_spare(file, freq);
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
	struct sim_file_request *freq;
	unsigned long flags;
	bool flushed = true;

	spin_lock_irqsave(&file->sim->lock, flags);
	list_for_each_entry(freq, &file->requests, list) {
		if (!freq->done) {
			flushed = freq->req.number > number;
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

	if (wait_event_state(file->watcher.wait, sim_file_is_flushed(file, number),
			     (TASK_KILLABLE | TASK_FREEZABLE)))
		return -EINTR;
	spin_lock_irqsave(&sim->lock, flags);
	err = sim->gone ? -ENODEV : file->error;
	file->error = 0;
	spin_unlock_irqrestore(&sim->lock, flags);
	return err;
}

/* Return 1 if there is a result to read, 0 at the end of the file, or an errno for read(). */
static int sim_file_peek(struct sim_file *file, struct sim_file_request **first)
{
	struct sim_dev *sim = file->sim;
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&sim->lock, flags);
	*first = list_first_entry_or_null(&file->requests,
					  struct sim_file_request, list);
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
static void sim_file_pop(struct sim_file_request *first)
{
	unsigned long flags;

	spin_lock_irqsave(&first->sim->lock, flags);
	sim_file_unlist(first);
	spin_unlock_irqrestore(&first->sim->lock, flags);
	sim_file_put(first, 1);
}

/* Read from the first result, which is done. Caller holds read_lock. */
static ssize_t sim_file_read_first(struct sim_file_request *first,
				   struct iov_iter *to)
{
	int result = first->req.result;
	ssize_t ret = result;

	if (ret > 0) {
		ret = copy_to_iter(first->data + first->offset,
				   result - first->offset, to);
		if (!ret)
			return -EFAULT;
		first->offset += ret;
	}
	if (ret <= 0 || first->offset == result)
		sim_file_pop(first);
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
	struct sim_file_request *first;
	ssize_t ret;

	if (!iov_iter_count(to))
		return 0;
	for (;;) {
		ret = sim_file_lock_reader(file, iocb, nonblock);
		if (ret)
			return ret;
		ret = sim_file_peek(file, &first);
		if (ret > 0)
			ret = sim_file_read_first(first, to);
		mutex_unlock(&file->read_lock);
		if (ret != -EAGAIN || nonblock)
			return ret;
		ret = wait_event_state(file->watcher.wait,
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
	struct sim_file_request *first;
	unsigned long flags;
	__poll_t mask = 0;
	int admit;

	poll_wait(filp, &file->watcher.wait, wait);

	spin_lock_irqsave(&file->sim->lock, flags);
	admit = sim_file_admit(file);
	first = list_first_entry_or_null(&file->requests,
					 struct sim_file_request, list);
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
	init_waitqueue_head(&file->watcher.wait);
	mutex_init(&file->read_lock);
	spin_lock_irqsave(&sim->lock, flags);
	list_add(&file->watcher.node, &sim->watchers);
	spin_unlock_irqrestore(&sim->lock, flags);
	return file;
}

/* Called on the last close: drop the requests, whose results nobody can read any more. */
static void sim_file_free(struct sim_file *file)
{
	struct sim_dev *sim = file->sim;
	struct sim_file_request *freq, *next;
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	list_del(&file->watcher.node);
	file->keeps_results = false;
	list_for_each_entry_safe(freq, next, &file->requests, list)
		if (sim_file_cancel(freq))
			sim_file_put(freq, 1);
	spin_unlock_irqrestore(&sim->lock, flags);
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
