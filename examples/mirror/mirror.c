// SPDX-License-Identifier: GPL-2.0-only
/*
 * mirror - a layered driver: /dev/mirror writes to several simulated devices
 *
 * Documentation/layered.rst explains it. The devices below, the legs, are those of
 * sim_dev, with a driver that times out, resets and retries by itself. This driver
 * allocates a request (IRP) for each leg, and one iotimer times out the set.
 *
 * A sim_dev stores nothing: it loops back what it gets. So the mirror remembers the
 * block that was written last.
 *
 *	write()	sends a block to all attached legs; succeeds when each of them has it
 *		or was detached, and at least one has it
 *	read()	sends the block that was written last to one attached leg, and returns
 *		what this leg loops back. If the leg fails, another one is asked
 *
 * A leg that fails or does not answer in time is detached: it gets no more requests
 * but probes, one at a time. When a probe succeeds, the leg is attached again. (A
 * real mirror would first copy to it what it has missed.) A request asks each leg at
 * most once. While no attached leg is left that it has not asked, the request
 * waits, for at most `wait` seconds.
 *
 * A part is what a request sends to one leg:
 *
 *	      begin        submitted         done, good
 *	 new -------> queued -------> sent --------------> good
 *	                 |              |   done, an error
 *	                 | leg          +----------------> failed
 *	                 | detached     | leg detached, request ended
 *	                 v              v
 *	              failed          late, until it is done
 *
 * A late part belongs to its leg: the leg may still use its memory. So each part has
 * its own copy of the data, and the request is freed when its last part is done.
 *
 * done(), the tick and a probe change the state of parts and legs. Then
 * mirror_settle() decides what follows for each request. Only a kill, and a wait that
 * is up, end a request directly.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/sched.h>
#include <linux/semaphore.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "io_timeout.h"
#include "iotimer.h"
#include "sim_client.h"

#define MIRROR_MAX_LEGS	8
#define MIRROR_DEPTH	4	/* requests under way; others wait for room */

static unsigned int legs[MIRROR_MAX_LEGS] = { 0, 1 };
static unsigned int nr_legs = 2;
module_param_array(legs, uint, &nr_legs, 0444);
MODULE_PARM_DESC(legs, "numbers of the sim_devs (default 0,1)");

/* Seconds, 1 to 3600 */
static int set_seconds(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, 3600);
}

static const struct kernel_param_ops seconds_ops = {
	.set = set_seconds,
	.get = param_get_uint,
};

static unsigned int timeout = 120;
module_param_cb(timeout, &seconds_ops, &timeout, 0644);
MODULE_PARM_DESC(timeout, "seconds the legs may take: more than their own recovery needs (default 120)");

static unsigned int wait = 30;
module_param_cb(wait, &seconds_ops, &wait, 0644);
MODULE_PARM_DESC(wait, "seconds a request waits for an attached leg (default 30)");

enum mirror_state {
	MIRROR_NEW,	/* its leg was not asked */
	MIRROR_QUEUED,	/* to be submitted */
	MIRROR_SENT,
	MIRROR_GOOD,
	MIRROR_FAILED,
	MIRROR_LATE,	/* cancelled, but its leg still has it */
};

struct mirror_part {
	struct sim_request req;
	struct mirror_request *owner;
	unsigned int nr;		/* index of the part's leg */
	enum mirror_state state;
	u8 data[];
};

struct mirror_request {
	struct list_head entry;		/* in mirror.requests until it has ended */
	unsigned int refs;		/* the submitter, and parts that are sent or late */
	bool is_read;
	bool ended;			/* result is valid */
	bool waits;			/* no leg is left to ask until one is attached */
	int result;
	struct io_countdown countdown;	/* limits the set of parts, or the wait */
	struct completion completed;
	const u8 *answer;		/* of a read that completed */
	struct mirror_part *part[MIRROR_MAX_LEGS];	/* one for each leg */
};

struct mirror_leg {
	struct sim_client *client;	/* NULL: its device was never there */
	bool attached;
	bool logged;			/* what the log says it is */
	int error;			/* why it was detached last */
	bool probing;
	struct sim_request probe;
	u8 probe_data;
};

static struct mirror {
	struct iotimer *timer;
	struct device *dev;
	struct work_struct work;	/* logs and probes */
	struct semaphore room;
	spinlock_t lock;		/* protects what follows, all requests and parts */
	struct mirror_leg leg[MIRROR_MAX_LEGS];
	unsigned int next;		/* leg to read from */
	struct list_head requests;
	unsigned int outstanding;	/* entries of requests */
	struct {
		u64 submitted, completed, failed, cancelled, timeouts, rereads,
		    detached, attached, late;
	} stats;
	size_t len;			/* length of block */
	u8 block[SIM_CLIENT_MAX_LEN];	/* what was written last */
} mirror;

static void mirror_put(struct mirror_request *req)
{
	unsigned int i;

	if (--req->refs)
		return;
	for (i = 0; i < nr_legs; i++)
		kfree(req->part[i]);
	kfree(req);
}

static void mirror_detach(unsigned int nr, int error)
{
	struct mirror_leg *leg = &mirror.leg[nr];

	if (!leg->attached)
		return;
	leg->attached = false;
	leg->error = error;
	mirror.stats.detached++;
}

/* Nobody waits for the part any more. Its leg may still have it. */
static void mirror_cancel_part(struct mirror_part *part)
{
	struct sim_client *client = mirror.leg[part->nr].client;

	if (part->state == MIRROR_QUEUED) {
		part->state = MIRROR_FAILED;
	} else if (part->state == MIRROR_SENT) {
		part->state = MIRROR_LATE;
		if (sim_client_cancel(client, &part->req)) {
			part->state = MIRROR_FAILED;
			mirror_put(part->owner);
		}
	}
}

static void mirror_end(struct mirror_request *req, int result)
{
	unsigned int i;

	for (i = 0; i < nr_legs; i++)
		mirror_cancel_part(req->part[i]);
	list_del(&req->entry);
	mirror.outstanding--;
	req->result = result;
	req->ended = true;
	if (result >= 0)
		mirror.stats.completed++;
	else if (result == -EINTR)
		mirror.stats.cancelled++;
	else
		mirror.stats.failed++;
	complete(&req->completed);
}

static bool mirror_has(const struct mirror_request *req, enum mirror_state state)
{
	unsigned int i;

	for (i = 0; i < nr_legs; i++)
		if (req->part[i]->state == state)
			return true;
	return false;
}

/* Ask the legs that are attached; for a read only one of them, in turn. */
static void mirror_begin(struct mirror_request *req)
{
	bool again = mirror_has(req, MIRROR_FAILED) || mirror_has(req, MIRROR_LATE);
	unsigned int i, nr;

	for (i = 0; i < nr_legs; i++) {
		nr = req->is_read ? (mirror.next + i) % nr_legs : i;
		if (!mirror.leg[nr].attached || req->part[nr]->state != MIRROR_NEW)
			continue;
		req->part[nr]->state = MIRROR_QUEUED;
		if (req->is_read) {
			mirror.next = nr + 1;
			mirror.stats.rereads += again;
			break;
		}
	}
	if (mirror_has(req, MIRROR_QUEUED)) {
		req->waits = false;
		io_countdown_set(&req->countdown, timeout);
	} else if (!mirror_has(req, MIRROR_NEW)) {
		mirror_end(req, -EIO);	/* all legs were asked */
	} else if (!req->waits) {
		req->waits = true;
		io_countdown_set(&req->countdown, wait);
	}
}

/* Submit the part. It stays queued if there is no room in its leg's queue. */
static void mirror_send(struct mirror_part *part)
{
	int err = sim_client_submit(mirror.leg[part->nr].client, &part->req);

	if (!err) {
		part->state = MIRROR_SENT;
		part->owner->refs++;
	} else if (err != -EAGAIN) {
		part->state = MIRROR_FAILED;
		mirror_detach(part->nr, err);
	}
}

/* Decide what follows for a request. */
static void mirror_settle_one(struct mirror_request *req)
{
	unsigned int i;

	for (i = 0; i < nr_legs; i++)
		if (!mirror.leg[i].attached)
			mirror_cancel_part(req->part[i]);
	if (!mirror_has(req, MIRROR_QUEUED) && !mirror_has(req, MIRROR_SENT)) {
		if (mirror_has(req, MIRROR_GOOD)) {
			mirror_end(req, req->part[0]->req.len);
			return;
		}
		mirror_begin(req);
	}
	for (i = 0; i < nr_legs; i++)
		if (req->part[i]->state == MIRROR_QUEUED)
			mirror_send(req->part[i]);
}

/* Call after each event. Repeats while a leg is detached: that concerns all requests. */
static void mirror_settle(void)
{
	struct mirror_request *req, *next;
	u64 detached;

	lockdep_assert_held(&mirror.lock);
	do {
		detached = mirror.stats.detached;
		list_for_each_entry_safe(req, next, &mirror.requests, entry)
			mirror_settle_one(req);
	} while (mirror.stats.detached != detached);
}

/* A leg is done with a part. */
static void mirror_done(struct sim_request *sim_req)
{
	struct mirror_part *part = container_of(sim_req, struct mirror_part, req);
	unsigned long flags;

	spin_lock_irqsave(&mirror.lock, flags);
	if (part->state == MIRROR_LATE) {
		part->state = MIRROR_FAILED;
		mirror.stats.late++;
	} else if (sim_req->result == (int)sim_req->len) {
		part->state = MIRROR_GOOD;
		part->owner->answer = part->data;
	} else {
		part->state = MIRROR_FAILED;
		mirror_detach(part->nr,
			      sim_req->result < 0 ? sim_req->result : -EIO);
	}
	mirror_put(part->owner);
	mirror_settle();
	spin_unlock_irqrestore(&mirror.lock, flags);
}

/* A leg has answered a probe. */
static void mirror_probed(struct sim_request *sim_req)
{
	struct mirror_leg *leg = container_of(sim_req, struct mirror_leg, probe);
	unsigned long flags;

	spin_lock_irqsave(&mirror.lock, flags);
	leg->probing = false;
	if (sim_req->result == (int)sim_req->len) {
		leg->attached = true;
		mirror.stats.attached++;
	}
	mirror_settle();
	spin_unlock_irqrestore(&mirror.lock, flags);
}

/* The device was unbound, or was never there. Is there a new one? */
static int mirror_get_client(struct mirror_leg *leg)
{
	struct sim_client *client = sim_client_get(legs[leg - mirror.leg]);
	struct sim_client *old = leg->client;

	if (IS_ERR(client))
		return PTR_ERR(client);
	spin_lock_irq(&mirror.lock);
	leg->client = client;
	spin_unlock_irq(&mirror.lock);
	if (old)
		sim_client_put(old);
	return 0;
}

/* Send a probe; leg->probing is set. If it cannot be sent, the next tick tries again. */
static void mirror_probe(struct mirror_leg *leg)
{
	int err = -ENODEV;

	if (leg->client)
		err = sim_client_submit(leg->client, &leg->probe);
	if (err == -ENODEV && !mirror_get_client(leg))
		err = sim_client_submit(leg->client, &leg->probe);
	if (err) {
		spin_lock_irq(&mirror.lock);
		leg->probing = false;
		spin_unlock_irq(&mirror.lock);
	}
}

static void mirror_log(struct mirror_leg *leg, bool attached, int error)
{
	unsigned int nr = legs[leg - mirror.leg];

	if (attached)
		dev_info(mirror.dev, "sim_dev%u is attached\n", nr);
	else
		dev_warn(mirror.dev, "sim_dev%u is detached, error %d\n", nr, error);
}

static void mirror_work(struct work_struct *work)
{
	unsigned int i;

	for (i = 0; i < nr_legs; i++) {
		struct mirror_leg *leg = &mirror.leg[i];
		bool attached, probe, logged;
		int error;

		spin_lock_irq(&mirror.lock);
		attached = leg->attached;
		error = leg->error;
		logged = leg->logged == attached;
		leg->logged = attached;
		probe = !attached && !leg->probing;
		leg->probing |= probe;
		spin_unlock_irq(&mirror.lock);
		if (!logged)
			mirror_log(leg, attached, error);
		if (probe)
			mirror_probe(leg);
	}
}

/* The set of parts, or the wait, has taken too long. */
static void mirror_time_out(struct mirror_request *req)
{
	unsigned int i;

	if (req->waits) {
		mirror_end(req, -EIO);
		return;
	}
	mirror.stats.timeouts++;
	for (i = 0; i < nr_legs; i++)
		if (req->part[i]->state == MIRROR_QUEUED || req->part[i]->state == MIRROR_SENT)
			mirror_detach(i, -ETIMEDOUT);
}

static bool mirror_needs_work(void)
{
	unsigned int i;

	for (i = 0; i < nr_legs; i++)
		if (!mirror.leg[i].attached || !mirror.leg[i].logged)
			return true;
	return false;
}

/* Called once a second while a request is under way, or a leg is detached. */
static void mirror_watchdog(struct device *dev, void *context)
{
	struct mirror_request *req, *next;
	unsigned long flags;
	bool work;

	spin_lock_irqsave(&mirror.lock, flags);
	list_for_each_entry_safe(req, next, &mirror.requests, entry)
		if (io_countdown_tick(&req->countdown))
			mirror_time_out(req);
	mirror_settle();
	work = mirror_needs_work();
	if (!work && list_empty(&mirror.requests))
		iotimer_stop(mirror.timer);
	spin_unlock_irqrestore(&mirror.lock, flags);
	if (work)
		queue_work(system_freezable_wq, &mirror.work);
}

static int mirror_alloc_part(struct mirror_request *req, unsigned int nr,
			     const u8 *data, size_t len)
{
	struct mirror_part *part = kzalloc(struct_size(part, data, len), GFP_KERNEL);

	if (!part)
		return -ENOMEM;
	if (data)
		memcpy(part->data, data, len);
	part->owner = req;
	part->nr = nr;
	part->req.data = part->data;
	part->req.len = len;
	part->req.read_back = req->is_read;
	part->req.done = mirror_done;
	req->part[nr] = part;
	return 0;
}

/* A write of @len bytes of @data, or, if @data is NULL, a read of up to @len bytes. */
static struct mirror_request *mirror_alloc(const u8 *data, size_t len)
{
	struct mirror_request *req = kzalloc(sizeof(*req), GFP_KERNEL);
	unsigned int i;

	if (!req)
		return NULL;
	req->refs = 1;
	req->is_read = !data;
	init_completion(&req->completed);
	for (i = 0; i < nr_legs; i++) {
		if (mirror_alloc_part(req, i, data, len)) {
			mirror_put(req);
			return NULL;
		}
	}
	return req;
}

/* Let each part send the block that was written last. */
static void mirror_fill(struct mirror_request *req)
{
	unsigned int i;

	for (i = 0; i < nr_legs; i++) {
		req->part[i]->req.len = mirror.len;
		memcpy(req->part[i]->data, mirror.block, mirror.len);
	}
}

static void mirror_submit(struct mirror_request *req)
{
	spin_lock_irq(&mirror.lock);
	if (req->is_read)
		mirror_fill(req);
	mirror.stats.submitted++;
	list_add_tail(&req->entry, &mirror.requests);
	mirror.outstanding++;
	if (!iotimer_enabled(mirror.timer))
		iotimer_start(mirror.timer);
	mirror_settle();
	spin_unlock_irq(&mirror.lock);
}

/* Begin a request and wait for its end. A fatal signal cancels it. */
static int mirror_run(struct mirror_request *req)
{
	if (down_interruptible(&mirror.room))
		return -ERESTARTSYS;	/* nothing was submitted */
	mirror_submit(req);
	if (wait_for_completion_state(&req->completed,
				      TASK_KILLABLE | TASK_FREEZABLE)) {
		spin_lock_irq(&mirror.lock);
		if (!req->ended)
			mirror_end(req, -EINTR);
		spin_unlock_irq(&mirror.lock);
	}
	up(&mirror.room);
	return req->result;
}

/* Drop the submitter's reference. */
static void mirror_free(struct mirror_request *req)
{
	spin_lock_irq(&mirror.lock);
	mirror_put(req);
	spin_unlock_irq(&mirror.lock);
}

static ssize_t mirror_write(struct file *filp, const char __user *buf,
			    size_t count, loff_t *pos)
{
	struct mirror_request *req;
	ssize_t ret;
	u8 *data;

	if (!count)
		return 0;
	if (count > SIM_CLIENT_MAX_LEN)
		return -EMSGSIZE;
	data = memdup_user(buf, count);
	if (IS_ERR(data))
		return PTR_ERR(data);
	req = mirror_alloc(data, count);
	ret = req ? mirror_run(req) : -ENOMEM;
	if (ret > 0) {
		spin_lock_irq(&mirror.lock);
		memcpy(mirror.block, data, count);
		mirror.len = count;
		spin_unlock_irq(&mirror.lock);
		*pos = 0;	/* where read() begins */
	}
	if (req)
		mirror_free(req);
	kfree(data);
	return ret;
}

static ssize_t mirror_read(struct file *filp, char __user *buf, size_t count,
			   loff_t *pos)
{
	struct mirror_request *req;
	ssize_t ret;

	if (!count || *pos >= READ_ONCE(mirror.len))
		return 0;
	req = mirror_alloc(NULL, SIM_CLIENT_MAX_LEN);
	if (!req)
		return -ENOMEM;
	ret = mirror_run(req);
	if (ret > 0)
		ret = simple_read_from_buffer(buf, count, pos, req->answer, ret);
	mirror_free(req);
	return ret;
}

static const struct file_operations mirror_fops = {
	.owner = THIS_MODULE,
	.read = mirror_read,
	.write = mirror_write,
	.llseek = default_llseek,
};

static struct miscdevice mirror_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mirror",
	.fops = &mirror_fops,
};

static ssize_t legs_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	unsigned int i;
	int len = 0;

	spin_lock_irq(&mirror.lock);
	for (i = 0; i < nr_legs; i++)
		len += sysfs_emit_at(buf, len, "%u %s\n", legs[i],
				     mirror.leg[i].attached ? "attached" : "detached");
	spin_unlock_irq(&mirror.lock);
	return len;
}
static DEVICE_ATTR_RO(legs);

/* submitted is always the sum of completed, failed, cancelled and outstanding. */
static ssize_t stats_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	int len;

	spin_lock_irq(&mirror.lock);
	len = sysfs_emit(buf, "submitted %llu completed %llu failed %llu ",
			 mirror.stats.submitted, mirror.stats.completed,
			 mirror.stats.failed);
	len += sysfs_emit_at(buf, len, "cancelled %llu outstanding %u timeouts %llu ",
			     mirror.stats.cancelled, mirror.outstanding,
			     mirror.stats.timeouts);
	len += sysfs_emit_at(buf, len, "rereads %llu detached %llu attached %llu late %llu\n",
			     mirror.stats.rereads, mirror.stats.detached,
			     mirror.stats.attached, mirror.stats.late);
	spin_unlock_irq(&mirror.lock);
	return len;
}
static DEVICE_ATTR_RO(stats);

static struct attribute *mirror_attrs[] = {
	&dev_attr_legs.attr,
	&dev_attr_stats.attr,
	NULL
};
ATTRIBUTE_GROUPS(mirror);

/* The legs' time-outs do not run while the system sleeps. */
static int mirror_suspend(struct device *dev)
{
	iotimer_stop_sync(mirror.timer);
	return 0;
}

static int mirror_resume(struct device *dev)
{
	iotimer_start(mirror.timer);
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(mirror_pm_ops, mirror_suspend, mirror_resume);

/* Nobody has /dev/mirror open, but legs may still have late parts and probes. */
static void mirror_quit(void *unused)
{
	unsigned int i;

	cancel_work_sync(&mirror.work);
	for (i = 0; i < nr_legs; i++) {
		struct mirror_leg *leg = &mirror.leg[i];

		if (!leg->client)
			continue;
		sim_client_cancel(leg->client, &leg->probe);	/* if it is under way */
		sim_client_put(leg->client);	/* waits for done() */
	}
}

/* All legs are detached at first, and probed as soon as the module is loaded. */
static int mirror_probe_device(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	unsigned int i;
	int err;

	mirror.dev = dev;
	for (i = 0; i < nr_legs; i++) {
		mirror.leg[i].probe.data = &mirror.leg[i].probe_data;
		mirror.leg[i].probe.len = 1;
		mirror.leg[i].probe.done = mirror_probed;
	}
	err = devm_add_action_or_reset(dev, mirror_quit, NULL);
	if (err)
		return err;
	mirror.timer = devm_iotimer_create(dev, mirror_watchdog, NULL);
	return PTR_ERR_OR_ZERO(mirror.timer);
}

static struct platform_driver mirror_driver = {
	.driver = {
		.name = "mirror",
		.dev_groups = mirror_groups,
		.pm = pm_sleep_ptr(&mirror_pm_ops),
	},
};

static struct platform_device *pdev;

static void mirror_remove(void)
{
	platform_device_unregister(pdev);
	platform_driver_unregister(&mirror_driver);
}

static int __init mirror_init(void)
{
	int err;

	spin_lock_init(&mirror.lock);
	sema_init(&mirror.room, MIRROR_DEPTH);
	INIT_LIST_HEAD(&mirror.requests);
	INIT_WORK(&mirror.work, mirror_work);
	/* The bundle prevents unbinding by sysfs: an open file uses the device. */
	pdev = platform_create_bundle(&mirror_driver, mirror_probe_device, NULL, 0,
				      NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	/* Last: once a program may have the node open, init must not fail. */
	err = misc_register(&mirror_misc);
	if (err) {
		mirror_remove();
		return err;
	}
	iotimer_start(mirror.timer);
	queue_work(system_freezable_wq, &mirror.work);
	return 0;
}

static void __exit mirror_exit(void)
{
	misc_deregister(&mirror_misc);
	mirror_remove();
}

module_init(mirror_init);
module_exit(mirror_exit);

MODULE_DESCRIPTION("The example of a layered driver: a mirror of simulated devices");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
