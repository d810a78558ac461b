// SPDX-License-Identifier: GPL-2.0-only
// The callback has a prototype, takes the lock, and is called by hand too. The limits are
// milliseconds and jiffies. The struct is static. add_timer() arms the timer once, under a mutex.
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

struct tape {
	spinlock_t lock;	/* protects the timer and the error */
	struct mutex mutex;	/* protects the position */
	struct timer_list	timeout;
	unsigned int limit_ms;
	unsigned long limit;
	int error;
};

static struct tape tape;

static void tape_timed_out(struct timer_list *t);

static void tape_begin(struct tape *p)
{
	unsigned long flags;

	spin_lock_irqsave(&p->lock, flags);
	if (p->limit_ms)
		mod_timer(&p->timeout, jiffies + msecs_to_jiffies(p->limit_ms));
	else
		mod_timer(&p->timeout, jiffies + p->limit);
	spin_unlock_irqrestore(&p->lock, flags);
}

static void tape_rewind(struct tape *p)
{
	mutex_lock(&p->mutex);
	p->timeout.expires = jiffies + 60 * HZ;
	add_timer(&p->timeout);
	mutex_unlock(&p->mutex);
}

void tape_end(struct tape *p, bool error);
void tape_end(struct tape *p, bool error)
{
	if (error)
		tape_timed_out(&p->timeout);
	else if (timer_delete(&p->timeout))
		tape_begin(p);
}

static void tape_timed_out(struct timer_list *t)
{
	struct tape *dev = container_of(t, struct tape, timeout);
	unsigned long flags;

	spin_lock_irqsave(&(dev->lock), flags);
	dev->error = -ETIMEDOUT;
	spin_unlock_irqrestore(&dev->lock, flags);
}

static int __init tape_init(void)
{
	spin_lock_init(&tape.lock);
	mutex_init(&tape.mutex);
	timer_setup(&tape.timeout, tape_timed_out, 0);
	tape_rewind(&tape);
	return 0;
}

static void __exit tape_exit(void)
{
	timer_delete_sync(&tape.timeout);
}

module_init(tape_init);
module_exit(tape_exit);
MODULE_LICENSE("GPL");
