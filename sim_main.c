// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_main - the devices that the module makes
 *
 * Parameters, init and exit. Each device is a hardware model (sim_hw.c), a
 * power domain that cuts its power in suspend, and a platform device, to which
 * the driver (sim_dev.c) binds. sim_configfs.c makes more, at run time.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/idr.h>
#include <linux/ioport.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/pm_domain.h>

#include "sim_dev.h"
#include "sim_hw.h"
#include "sim_main.h"

#define SIM_MAIN_MAX_DEVICES	256	/* limit of the parameter "devices" */

/* The parameters. Most are defaults that sysfs or the control node can change. */

static int sim_main_param_set(const char *val, const struct kernel_param *kp)
{
	const struct sim_dev_param *param = kp->arg;

	return param_set_uint_minmax(val, kp, param->min, param->max);
}

static const struct kernel_param_ops sim_main_param_ops = {
	.set = sim_main_param_set,
	.get = param_get_uint,
};

/* What a device is made with, unless configfs says otherwise. */
struct sim_dev_settings sim_dev_defaults = {
	.slots		= { 1, 1, SIM_HW_MAX_SLOTS },
	.timeout	= { 3, 1, 3600 },
	.abort_timeout	= { 0, 0, 3600 },
	.reset_timeout	= { 2, 1, 3600 },
	.max_retries	= { 3, 0, 100 },
	.latency_ms	= { 5, 0, SIM_HW_MAX_MS },
	.queue_depth	= { 16, 1, 1024 },
};
EXPORT_SYMBOL_GPL(sim_dev_defaults);

static struct sim_dev_param sim_param_devices = { 1, 1, SIM_MAIN_MAX_DEVICES };

#define SIM_DEV_PARAM(name, param, desc)				\
	module_param_cb(name, &sim_main_param_ops, param, 0444);	\
	MODULE_PARM_DESC(name, desc)

SIM_DEV_PARAM(devices, &sim_param_devices,
	      "devices to make (1 to 256, default 1)");
SIM_DEV_PARAM(slots, &sim_dev_defaults.slots,
	      "operations a device does at a time (1 to 256, default 1)");
SIM_DEV_PARAM(timeout, &sim_dev_defaults.timeout,
	      "seconds an operation may take (1 to 3600, default 3)");
SIM_DEV_PARAM(abort_timeout, &sim_dev_defaults.abort_timeout,
	      "seconds an abort may take; 0: the device cannot abort (0 to 3600, default 0)");
SIM_DEV_PARAM(reset_timeout, &sim_dev_defaults.reset_timeout,
	      "seconds a reset may take (1 to 3600, default 2)");
SIM_DEV_PARAM(max_retries, &sim_dev_defaults.max_retries,
	      "retries of a request that timed out (0 to 100, default 3)");
SIM_DEV_PARAM(latency_ms, &sim_dev_defaults.latency_ms,
	      "ms an operation and a reset take (0 to 600000, default 5)");
SIM_DEV_PARAM(queue_depth, &sim_dev_defaults.queue_depth,
	      "requests a device holds at most, those under way included; slots, if that is more (1 to 1024, default 16)");

static DEFINE_IDA(sim_main_numbers);	/* the devices' numbers; an IDA has its own lock */

/* The devices that the parameter makes. Only init and exit use these. */
static struct sim_main_dev sim_main_devs[SIM_MAIN_MAX_DEVICES];
static unsigned int sim_main_nr_devs;

/* Power */

static struct sim_hw *sim_main_power_hw(struct device *dev)
{
	const struct sim_dev_data *data = dev_get_platdata(dev);

	return data->hw;
}

static int sim_main_power_off(struct device *dev)
{
	sim_hw_set_power(sim_main_power_hw(dev), false);
	return 0;
}

static int sim_main_power_on(struct device *dev)
{
	sim_hw_set_power(sim_main_power_hw(dev), true);
	return 0;
}

/* Power goes off after the driver's suspend callback, on before its resume callback. */
static struct dev_pm_domain sim_main_power = {
	.ops = {
		SYSTEM_SLEEP_PM_OPS(pm_generic_suspend, pm_generic_resume)
		NOIRQ_SYSTEM_SLEEP_PM_OPS(sim_main_power_off, sim_main_power_on)
	},
};

/* Devices */

static struct platform_device *sim_main_register(const struct sim_dev_data *data,
						 unsigned int number)
{
	struct platform_device *pdev = platform_device_alloc(SIM_DEV_NAME, number);
	struct resource irq = DEFINE_RES_IRQ(sim_hw_irq(data->hw));
	int err;

	if (!pdev)
		return ERR_PTR(-ENOMEM);
	err = platform_device_add_resources(pdev, &irq, 1);
	if (!err)
		err = platform_device_add_data(pdev, data, sizeof(*data));
	if (!err) {
		dev_pm_domain_set(&pdev->dev, &sim_main_power);
		err = platform_device_add(pdev);
	}
	if (err) {
		platform_device_put(pdev);
		return ERR_PTR(err);
	}
	return pdev;
}

/* Returns 0 even if the driver did not bind. */
static int sim_main_make(struct sim_main_dev *dev, unsigned int number,
			 const struct sim_dev_settings *settings)
{
	struct sim_dev_data data = { .settings = settings };

	data.hw = sim_hw_create(settings->slots.value, settings->latency_ms.value,
				settings->latency_ms.value);
	if (IS_ERR(data.hw))
		return PTR_ERR(data.hw);
	dev->hw = data.hw;
	dev->pdev = sim_main_register(&data, number);
	if (IS_ERR(dev->pdev)) {
		sim_hw_put(dev->hw);
		return PTR_ERR(dev->pdev);
	}
	return 0;
}

/**
 * sim_main_get_number - reserve the lowest free number
 *
 * Context: process, may sleep.
 * Return: the number, or a negative errno: -ENOSPC if there are
 * SIM_DEV_MAX_DEVICES devices, or -ENOMEM.
 */
int sim_main_get_number(void)
{
	return ida_alloc_max(&sim_main_numbers, SIM_DEV_MAX_DEVICES - 1,
			     GFP_KERNEL);
}
EXPORT_SYMBOL_GPL(sim_main_get_number);

/**
 * sim_main_put_number - give a number back
 * @number: the number; no device has it any more
 *
 * Context: process.
 */
void sim_main_put_number(unsigned int number)
{
	ida_free(&sim_main_numbers, number);
}
EXPORT_SYMBOL_GPL(sim_main_put_number);

/**
 * sim_main_add - make a device, and bind the driver to it
 * @dev: describes the device afterwards
 * @number: its number, from sim_main_get_number()
 * @settings: what it is made with; must not change while it exists
 *
 * Context: process, may sleep.
 * Return: 0, or a negative errno, also if the driver did not bind.
 */
int sim_main_add(struct sim_main_dev *dev, unsigned int number,
		 const struct sim_dev_settings *settings)
{
	int err = sim_main_make(dev, number, settings);

	if (err)
		return err;
	err = sim_dev_bind(dev->pdev);
	if (err)
		sim_main_remove(dev);
	return err;
}
EXPORT_SYMBOL_GPL(sim_main_add);

/**
 * sim_main_remove - remove a device
 * @dev: the device. Its requests fail with -ENODEV; its nodes may stay open
 *
 * Context: process, may sleep.
 */
void sim_main_remove(struct sim_main_dev *dev)
{
	platform_device_unregister(dev->pdev);
	sim_hw_put(dev->hw);
}
EXPORT_SYMBOL_GPL(sim_main_remove);

/* The devices that the parameter makes */

static void sim_main_remove_all(void)
{
	while (sim_main_nr_devs--) {
		sim_main_remove(&sim_main_devs[sim_main_nr_devs]);
		sim_main_put_number(sim_main_nr_devs);
	}
	sim_main_nr_devs = 0;
}

/* Nobody else has a number yet, so these are 0, 1, 2 and so on. */
static int sim_main_make_next(void)
{
	int number = sim_main_get_number(), err;

	if (number < 0)
		return number;
	err = sim_main_make(&sim_main_devs[number], number, &sim_dev_defaults);
	if (err)
		sim_main_put_number(number);
	return err;
}

/*
 * Make as many devices as possible. Once one exists, init must not fail: a
 * program may have a node open, and the module's code would be freed.
 */
static int sim_main_make_all(unsigned int nr)
{
	int err;

	while (sim_main_nr_devs < nr) {
		err = sim_main_make_next();
		if (err && !sim_main_nr_devs)
			return err;
		if (err) {
			pr_warn(SIM_DEV_NAME ": error %d, made %u devices of %u\n",
				err, sim_main_nr_devs, nr);
			break;
		}
		sim_main_nr_devs++;
	}
	return 0;
}

static int __init sim_main_init(void)
{
	unsigned int nr = sim_param_devices.value;
	int err = sim_dev_register_driver();

	if (err)
		return err;
	err = sim_main_make_all(nr);
	if (err)
		sim_dev_unregister_driver();
	return err;
}

static void __exit sim_main_exit(void)
{
	sim_main_remove_all();
	sim_dev_unregister_driver();
}

module_init(sim_main_init);
module_exit(sim_main_exit);

MODULE_DESCRIPTION("A simulated interrupting device whose driver times out, resets, retries and fails I/O");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
