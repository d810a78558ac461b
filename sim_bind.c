// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_bind - binds the driver to its devices
 *
 * Memory, interrupt, timer and nodes of a device, and the callbacks of the driver
 * core: probe, suspend, resume, shutdown. What the driver does with requests is in
 * sim_dev.c.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "iotimer.h"
#include "sim_dev.h"
#include "sim_hw.h"

/*
 * For failed_work. Not the system's workqueue: there libaio's fsync waits in
 * work items. These could occupy all workers, and failed_work, which ends their
 * wait, would never run.
 */
struct workqueue_struct *sim_dev_wq;

/* Nodes */

static struct class sim_dev_class = {
	.name = SIM_DEV_NAME,
};

#define SIM_DEV_MINORS	(2 * SIM_DEV_MAX_DEVICES)

static dev_t sim_dev_devt;	/* the first of two minors a device */

static void sim_dev_free(struct kref *ref)
{
	struct sim_dev *sim = container_of(ref, struct sim_dev, ref);

	sim_hw_put(sim->hw);
	kvfree(sim->recovery);
	kvfree(sim);
}

/**
 * sim_dev_put - drop a reference
 * @sim: the device, freed with the last reference
 *
 * Context: process, may sleep.
 */
void sim_dev_put(struct sim_dev *sim)
{
	kref_put(&sim->ref, sim_dev_free);
}

/**
 * sim_dev_get - get a reference to a device that the driver is bound to
 * @number: its number; N for /dev/sim_devN
 *
 * Context: process, may sleep.
 * Return: the device, which may be gone by now; NULL if there is none.
 */
struct sim_dev *sim_dev_get(unsigned int number)
{
	struct sim_dev *sim;
	struct device *node;
	char name[32];

	snprintf(name, sizeof(name), SIM_DEV_NAME "%u", number);
	node = class_find_device_by_name(&sim_dev_class, name);
	if (!node)
		return NULL;
	sim = dev_get_drvdata(node);
	kref_get(&sim->ref);
	put_device(node);
	return sim;
}

static void sim_node_release(struct device *dev)
{
	sim_dev_put(dev_get_drvdata(dev));
}

static void sim_node_del(void *data)
{
	struct sim_node *node = data;

	cdev_device_del(&node->cdev, &node->dev);
	put_device(&node->dev);
}

static int sim_node_add(struct sim_dev *sim, struct sim_node *node, int id,
			bool ctl)
{
	int err;

	device_initialize(&node->dev);
	node->dev.class = &sim_dev_class;
	node->dev.parent = sim->dev;
	node->dev.devt = sim_dev_devt + 2 * id + ctl;
	node->dev.release = sim_node_release;
	dev_set_drvdata(&node->dev, sim);
	kref_get(&sim->ref);
	cdev_init(&node->cdev, ctl ? &sim_ctl_fops : &sim_file_fops);
	node->cdev.owner = THIS_MODULE;

	err = dev_set_name(&node->dev, SIM_DEV_NAME "%d%s", id, ctl ? "_ctl" : "");
	if (!err)
		err = cdev_device_add(&node->cdev, &node->dev);
	if (err) {
		put_device(&node->dev);
		return err;
	}
	return devm_add_action_or_reset(sim->dev, sim_node_del, node);
}

static void sim_dev_unbind(void *data)
{
	sim_dev_shut_down(data);
}

static void sim_dev_release(void *data)
{
	sim_dev_put(data);
}

static void sim_dev_cancel_work(void *data)
{
	struct sim_dev *sim = data;

	cancel_work_sync(&sim->failed_work);
}

/* Power */

static int sim_dev_suspend(struct device *dev)
{
	sim_dev_quiesce(dev_get_drvdata(dev));
	return 0;
}

static int sim_dev_resume(struct device *dev)
{
	sim_dev_restore(dev_get_drvdata(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(sim_dev_pm_ops, sim_dev_suspend, sim_dev_resume);

/* The machine goes down, or another kernel takes over (kexec): quiesce the device. */
static void sim_dev_shutdown(struct platform_device *pdev)
{
	struct sim_dev *sim = platform_get_drvdata(pdev);

	sim_dev_quiesce(sim);
	sim_dev_halt(sim);
}

/* Binding */

/* NULL if the device is not ours: driver_override binds any platform device. */
static const struct sim_dev_data *sim_dev_get_data(struct platform_device *pdev)
{
	if (strcmp(pdev->name, SIM_DEV_NAME))
		return NULL;
	return dev_get_platdata(&pdev->dev);
}

/*
 * Continue the tags: an operation of an earlier binding may still end. Return false
 * if the device has gone.
 */
static bool sim_dev_init_slots(struct sim_dev *sim)
{
	struct sim_slot *slot;
	unsigned int i;
	u64 tag;

	for (i = sim->nr_slots; i--; ) {
		slot = &sim->slots[i];
		INIT_LIST_HEAD(&slot->ended);
		slot->next_free = sim->free;
		sim->free = slot;
		tag = sim_hw_read_tag(sim->hw, i);
		if (tag == SIM_HW_ALL_ONES)
			return false;
		io_recovery_set_generation(sim->recovery, i, tag);
	}
	return true;
}

static struct sim_dev *sim_dev_alloc(struct device *dev,
				     const struct sim_dev_data *data,
				     int irq, unsigned int slots)
{
	const struct sim_dev_settings *settings = data->settings;
	struct io_recovery *recovery = kvzalloc(io_recovery_size(slots),
						GFP_KERNEL);
	struct sim_dev *sim = kvzalloc(struct_size(sim, slots, slots),
				       GFP_KERNEL);

	if (!sim || !recovery) {
		kvfree(recovery);
		kvfree(sim);
		return NULL;
	}
	kref_init(&sim->ref);
	sim->dev = dev;
	sim->irq = irq;
	sim->hw = sim_hw_get(data->hw);
	spin_lock_init(&sim->lock);
	INIT_LIST_HEAD(&sim->busy);
	INIT_LIST_HEAD(&sim->ended);
	INIT_LIST_HEAD(&sim->queue);
	INIT_LIST_HEAD(&sim->done);
	INIT_LIST_HEAD(&sim->watchers);
	init_waitqueue_head(&sim->room);
	INIT_WORK(&sim->failed_work, sim_dev_failed);
	sim->nr_slots = slots;
	sim->depth = max(settings->queue_depth.value, slots);
	sim->max_retries = settings->max_retries.value;
	sim->limits.op = settings->timeout.value;
	sim->limits.abort = settings->abort_timeout.value;
	sim->limits.reset = settings->reset_timeout.value;
	sim->recovery = recovery;
	io_recovery_init(recovery, slots, sim->limits.op, sim->limits.abort,
			 sim->limits.reset);
	return sim;
}

/*
 * The nodes come last: a program may use a node as soon as it exists. If the
 * second node fails, the first is removed as at unbinding.
 */
static int sim_dev_probe(struct platform_device *pdev)
{
	const struct sim_dev_data *data = sim_dev_get_data(pdev);
	struct device *dev = &pdev->dev;
	struct sim_dev *sim;
	int irq, err;
	u64 slots;

	if (!data)
		return -ENODEV;
	slots = sim_hw_read(data->hw, SIM_HW_SLOTS);
	if (!slots || slots > SIM_HW_MAX_SLOTS)	/* all ones if it is gone */
		return -ENODEV;
	irq = platform_get_irq(pdev, 0);
	if (irq < 0)
		return irq;
	sim = sim_dev_alloc(dev, data, irq, slots);
	if (!sim)
		return -ENOMEM;
	err = devm_add_action_or_reset(dev, sim_dev_release, sim);
	if (err)
		return err;
	if (!sim_dev_init_slots(sim))
		return -ENODEV;
	platform_set_drvdata(pdev, sim);

	/* devm undoes in the reverse order: nodes, shut down, work, interrupt, timer. */
	sim->timer = devm_iotimer_create(dev, sim_dev_watchdog, sim);
	if (IS_ERR(sim->timer))
		return PTR_ERR(sim->timer);
	err = devm_request_threaded_irq(dev, irq, sim_dev_isr, sim_dev_thread,
					0, dev_name(dev), sim);
	if (err)
		return err;
	sim_dev_drain(sim);
	err = devm_add_action_or_reset(dev, sim_dev_cancel_work, sim);
	if (err)
		return err;
	err = devm_add_action_or_reset(dev, sim_dev_unbind, sim);
	if (err)
		return err;
	err = sim_node_add(sim, &sim->ctl_node, pdev->id, true);
	if (err)
		return err;
	return sim_node_add(sim, &sim->data_node, pdev->id, false);
}

static struct platform_driver sim_dev_driver = {
	.probe = sim_dev_probe,
	.shutdown = sim_dev_shutdown,
	.driver = {
		.name = SIM_DEV_NAME,
		.dev_groups = sim_ctl_groups,
		.pm = pm_sleep_ptr(&sim_dev_pm_ops),
	},
};

/**
 * sim_dev_bind - bind the driver to a device, unless it is bound
 * @pdev: the device, registered
 *
 * Registering a device binds it too, but ignores that probe failed.
 *
 * Context: process, may sleep.
 * Return: 0, or the negative errno of probe.
 */
int sim_dev_bind(struct platform_device *pdev)
{
	int err = device_driver_attach(&sim_dev_driver.driver, &pdev->dev);

	if (err != -EBUSY)
		return err;
	device_lock(&pdev->dev);
	if (pdev->dev.driver)	/* was bound */
		err = 0;
	device_unlock(&pdev->dev);
	return err;
}

/**
 * sim_dev_register_driver - register the driver, and what its nodes need
 *
 * Context: process, may sleep.
 * Return: 0, or a negative errno.
 */
int sim_dev_register_driver(void)
{
	int err;

	sim_dev_wq = alloc_workqueue(SIM_DEV_NAME, WQ_MEM_RECLAIM | WQ_PERCPU, 0);
	if (!sim_dev_wq)
		return -ENOMEM;
	err = class_register(&sim_dev_class);
	if (err)
		goto out_wq;
	err = alloc_chrdev_region(&sim_dev_devt, 0, SIM_DEV_MINORS, SIM_DEV_NAME);
	if (err)
		goto out_class;
	err = platform_driver_register(&sim_dev_driver);
	if (err)
		goto out_chrdev;
	return 0;

out_chrdev:
	unregister_chrdev_region(sim_dev_devt, SIM_DEV_MINORS);
out_class:
	class_unregister(&sim_dev_class);
out_wq:
	destroy_workqueue(sim_dev_wq);
	return err;
}

/**
 * sim_dev_unregister_driver - undo sim_dev_register_driver()
 *
 * Context: process, may sleep.
 */
void sim_dev_unregister_driver(void)
{
	platform_driver_unregister(&sim_dev_driver);
	unregister_chrdev_region(sim_dev_devt, SIM_DEV_MINORS);
	class_unregister(&sim_dev_class);
	destroy_workqueue(sim_dev_wq);
}
