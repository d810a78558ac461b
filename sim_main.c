// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_main - the devices that the module makes
 *
 * Parameters, init and exit. Each device is a hardware model (sim_hw.c), a
 * power domain that cuts its power in suspend, and a platform device, to which
 * the driver (sim_dev.c) binds.
 */
#include <linux/err.h>
#include <linux/ioport.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/pm_domain.h>
#include <linux/stringify.h>

#include "sim_dev.h"
#include "sim_hw.h"

#define SIM_MAIN_MAX_DEVICES	256

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

/* A parameter that is not static is used in other files too. */
#define SIM_DEV_PARAM(linkage, name, value, min, max, desc)		\
	linkage struct sim_dev_param sim_param_##name = { value, min, max }; \
	module_param_cb(name, &sim_main_param_ops, &sim_param_##name, 0444); \
	MODULE_PARM_DESC(name, desc " (" __stringify(min) " to "	\
			 __stringify(max) ", default " __stringify(value) ")")

SIM_DEV_PARAM(static, devices, 1, 1, SIM_MAIN_MAX_DEVICES, "devices to make");
SIM_DEV_PARAM(static, slots, 1, 1, SIM_HW_MAX_SLOTS,
	      "operations a device does at a time");
SIM_DEV_PARAM(, timeout, 3, 1, 3600, "seconds an operation may take");
SIM_DEV_PARAM(, abort_timeout, 0, 0, 3600,
	      "seconds an abort may take; 0: the device cannot abort");
SIM_DEV_PARAM(, reset_timeout, 2, 1, 3600, "seconds a reset may take");
SIM_DEV_PARAM(, max_retries, 3, 0, 100, "retries of a request that timed out");
SIM_DEV_PARAM(static, latency_ms, 5, 0, SIM_HW_MAX_MS,
	      "ms an operation and a reset take");
SIM_DEV_PARAM(, queue_depth, 16, 1, 1024,
	      "requests a device holds at most, those under way included; slots, if that is more");

/* Only init and exit use these. */

static struct {
	struct sim_hw *hw;
	struct platform_device *pdev;
} sim_main_devs[SIM_MAIN_MAX_DEVICES];

static unsigned int sim_main_nr_devs;

static struct sim_hw *sim_main_power_hw(struct device *dev)
{
	return *(struct sim_hw **)dev_get_platdata(dev);
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

static void sim_main_unmake(void)
{
	while (sim_main_nr_devs--) {
		platform_device_unregister(sim_main_devs[sim_main_nr_devs].pdev);
		sim_hw_destroy(sim_main_devs[sim_main_nr_devs].hw);
	}
	sim_main_nr_devs = 0;
}

static struct platform_device *sim_main_register(struct sim_hw *hw,
						 unsigned int id)
{
	struct resource irq = DEFINE_RES_IRQ(sim_hw_irq(hw));
	struct platform_device *pdev = platform_device_alloc(SIM_DEV_NAME, id);
	int err;

	if (!pdev)
		return ERR_PTR(-ENOMEM);
	err = platform_device_add_resources(pdev, &irq, 1);
	if (!err)
		err = platform_device_add_data(pdev, &hw, sizeof(hw));
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

static int sim_main_make(unsigned int id)
{
	struct platform_device *pdev;
	struct sim_hw *hw;

	hw = sim_hw_create(sim_param_slots.value, sim_param_latency_ms.value,
			   sim_param_latency_ms.value);
	if (IS_ERR(hw))
		return PTR_ERR(hw);
	pdev = sim_main_register(hw, id);
	if (IS_ERR(pdev)) {
		sim_hw_destroy(hw);
		return PTR_ERR(pdev);
	}
	sim_main_devs[id].hw = hw;
	sim_main_devs[id].pdev = pdev;
	return 0;
}

/*
 * Make as many devices as possible. Once one exists, init must not fail: a
 * program may have a node open, and the module's code would be freed.
 */
static int sim_main_make_all(unsigned int nr)
{
	int err;

	while (sim_main_nr_devs < nr) {
		err = sim_main_make(sim_main_nr_devs);
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
	int err = sim_dev_register_driver(nr);

	if (err)
		return err;
	err = sim_main_make_all(nr);
	if (err)
		sim_dev_unregister_driver(nr);
	return err;
}

static void __exit sim_main_exit(void)
{
	sim_main_unmake();
	sim_dev_unregister_driver(sim_param_devices.value);
}

module_init(sim_main_init);
module_exit(sim_main_exit);

MODULE_DESCRIPTION("A simulated interrupting device whose driver times out, resets, retries and fails I/O");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
