// SPDX-License-Identifier: GPL-2.0-only
/*
 * ported - a Windows driver's IoTimer scheme as a whole Linux driver
 *
 * Documentation/porting.rst goes through it step by step. Its device does one
 * operation at a time and may fail to interrupt; ported_hw.c makes one. A write
 * to the attribute "request" is a request, and returns when that is done.
 */
#include <linux/completion.h>
#include <linux/devm-helpers.h>
#include <linux/interrupt.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/spinlock.h>

#include "io_timeout.h"
#include "iotimer.h"
#include "sim_hw.h"

#define PORTED_TIMEOUT		3	/* seconds an operation may take */
#define PORTED_RESET_TIMEOUT	2	/* seconds a reset may take */
#define PORTED_RETRIES		3

/* The IRP. */
struct ported_request {
	struct list_head queue;
	struct completion done;
	const char *data;
	size_t len;
	unsigned int retries;
	int result;
};

/* The device extension. */
struct ported {
	struct sim_hw *hw;
	struct work_struct failed_work;

	spinlock_t lock;	/* protects what follows; taken by the ISR */
	struct io_timeout timeout;
	struct list_head queue;
	struct ported_request *request;	/* started; NULL if none */
	u32 tag;		/* of its operation */
	u32 ended;		/* how that ended, for the thread; or 0 */
};

/* StartIo, and the SynchCritSection routine that programs the device. */
static void ported_start_io(struct ported *p)
{
	lockdep_assert_held(&p->lock);
	io_timeout_begin(&p->timeout);
	sim_hw_start(p->hw, ++p->tag, p->request->data, p->request->len);
}

/* IoStartNextPacket. */
static void ported_start_next(struct ported *p)
{
	lockdep_assert_held(&p->lock);
	p->request = list_first_entry_or_null(&p->queue, struct ported_request,
					      queue);
	if (!p->request)
		return;
	list_del(&p->request->queue);
	ported_start_io(p);
}

/* IoStartPacket. */
static void ported_start_packet(struct ported *p, struct ported_request *req)
{
	spin_lock_irq(&p->lock);
	list_add_tail(&req->queue, &p->queue);
	if (!p->request)
		ported_start_next(p);
	spin_unlock_irq(&p->lock);
}

/* IoCompleteRequest and the next packet. */
static void ported_complete(struct ported *p, int result)
{
	p->request->result = result;
	complete(&p->request->done);	/* it is the writer's again */
	ported_start_next(p);
}

/* ISR. */
static irqreturn_t ported_isr(int irq, void *data)
{
	struct ported *p = data;
	irqreturn_t ret = IRQ_HANDLED;
	u64 cause;

	spin_lock(&p->lock);
	cause = sim_hw_read(p->hw, SIM_HW_CAUSE);
	switch (SIM_HW_CAUSE_WHY(cause)) {
	case SIM_HW_CAUSE_DONE:
	case SIM_HW_CAUSE_ERROR:
		if (SIM_HW_CAUSE_TAG(cause) != p->tag ||
		    !io_timeout_op_interrupt(&p->timeout))
			break;		/* of an operation that was given up */
		p->ended = SIM_HW_CAUSE_WHY(cause);
		ret = IRQ_WAKE_THREAD;
		break;
	case SIM_HW_CAUSE_RESET:
		if (io_timeout_reset_interrupt(&p->timeout))
			ret = IRQ_WAKE_THREAD;
		break;
	default:
		/* On a shared line IRQ_NONE, if the device has raised nothing. */
		break;
	}
	spin_unlock(&p->lock);
	return ret;
}

/* DpcForIsr. */
static irqreturn_t ported_thread(int irq, void *data)
{
	struct ported *p = data;
	u32 ended;

	spin_lock_irq(&p->lock);
	ended = p->ended;
	p->ended = 0;
	if (ended) {
		ported_complete(p, ended == SIM_HW_CAUSE_ERROR ? -EIO : 0);
	} else if (io_timeout_take_reset(&p->timeout)) {
		if (p->request->retries++ < PORTED_RETRIES)
			ported_start_io(p);
		else
			ported_complete(p, -ETIMEDOUT);
	}
	spin_unlock_irq(&p->lock);
	return IRQ_HANDLED;
}

/* The IoTimer routine, and the SynchCritSection routine that counts down. */
static void ported_second(struct device *dev, void *context)
{
	struct ported *p = context;

	spin_lock_irq(&p->lock);
	switch (io_timeout_tick(&p->timeout)) {
	case IO_TIMEOUT_OK:
		break;
	case IO_TIMEOUT_RESET:
		dev_warn_ratelimited(dev, "timed out, resetting\n");
		sim_hw_reset(p->hw);
		break;
	case IO_TIMEOUT_FAILED:
		dev_err_ratelimited(dev, "reset failed\n");
		schedule_work(&p->failed_work);
		break;
	}
	spin_unlock_irq(&p->lock);
}

/* CustomDpc: the reset did not end either. */
static void ported_failed(struct work_struct *work)
{
	struct ported *p = container_of(work, struct ported, failed_work);

	spin_lock_irq(&p->lock);
	ported_complete(p, -EIO);
	spin_unlock_irq(&p->lock);
}

/* The dispatch routine: IoMarkIrpPending and IoStartPacket; here, it waits. */
static ssize_t request_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t count)
{
	struct ported_request req = { .data = buf, .len = count };

	init_completion(&req.done);
	ported_start_packet(dev_get_drvdata(dev), &req);
	wait_for_completion(&req.done);	/* the scheme sees to it that it ends */
	return req.result ? req.result : count;
}
static DEVICE_ATTR_WO(request);

static struct attribute *ported_attrs[] = {
	&dev_attr_request.attr,
	NULL
};
ATTRIBUTE_GROUPS(ported);

/* AddDevice and IRP_MN_START_DEVICE. */
static int ported_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct iotimer *timer;
	struct ported *p;
	int irq, err;

	irq = platform_get_irq(pdev, 0);
	if (irq < 0)
		return irq;
	p = devm_kzalloc(dev, sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	p->hw = *(struct sim_hw **)dev_get_platdata(dev);
	p->tag = sim_hw_read(p->hw, SIM_HW_TAG);
	spin_lock_init(&p->lock);
	INIT_LIST_HEAD(&p->queue);
	io_timeout_init(&p->timeout, PORTED_TIMEOUT, PORTED_RESET_TIMEOUT);
	platform_set_drvdata(pdev, p);

	err = devm_request_threaded_irq(dev, irq, ported_isr, ported_thread, 0,
					dev_name(dev), p);
	if (err)
		return err;
	err = devm_work_autocancel(dev, &p->failed_work, ported_failed);
	if (err)
		return err;
	timer = devm_iotimer_create(dev, ported_second, p);
	if (IS_ERR(timer))
		return PTR_ERR(timer);
	iotimer_start(timer);
	return 0;
}

/* The driver object. */
static struct platform_driver ported_driver = {
	.probe = ported_probe,
	.driver = {
		.name = "ported",
		.dev_groups = ported_groups,
	},
};
module_platform_driver(ported_driver);

MODULE_DESCRIPTION("A Windows driver's IoTimer scheme, ported");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
