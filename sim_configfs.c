// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_configfs - devices that come and go at run time, by configfs
 *
 *	mkdir /sys/kernel/config/sim_dev/NAME		reserves a number
 *	echo 5 > .../NAME/timeout			and the other settings
 *	echo 1 > .../NAME/live				makes the device
 *	echo 0 > .../NAME/live				removes it
 *	rmdir /sys/kernel/config/sim_dev/NAME		gives the number back
 *
 * The settings are those of the module parameters, which are their defaults. A live
 * device's settings cannot be changed and its directory cannot be removed: both fail
 * with EBUSY.
 *
 * A module of its own, sim_dev_configfs.ko: it needs configfs.ko, while sim_dev.ko
 * must load without that. Each directory pins this module, which pins sim_dev.ko.
 */
#include <linux/configfs.h>
#include <linux/err.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "sim_dev.h"
#include "sim_main.h"

/**
 * struct sim_configfs_dev - a directory
 * @item: its configfs item
 * @number: the device's number, as long as the directory exists
 * @lock: protects all that follows
 * @settings: what the device is made with; does not change while @live
 * @live: @dev exists
 * @dev: the device
 */
struct sim_configfs_dev {
	struct config_item item;
	unsigned int number;
	struct mutex lock;	/* protects all that follows */
	struct sim_dev_settings settings;
	bool live;
	struct sim_main_dev dev;
};

static struct sim_configfs_dev *sim_configfs_dev(struct config_item *item)
{
	return container_of(item, struct sim_configfs_dev, item);
}

/* Settings */

static ssize_t sim_configfs_get(struct sim_configfs_dev *dev,
				const struct sim_dev_param *param, char *page)
{
	unsigned int value;

	mutex_lock(&dev->lock);
	value = param->value;
	mutex_unlock(&dev->lock);
	return sysfs_emit(page, "%u\n", value);
}

static ssize_t sim_configfs_set(struct sim_configfs_dev *dev,
				struct sim_dev_param *param, const char *page,
				size_t count)
{
	unsigned int value;
	int err = sim_dev_parse_param(page, param, &value);

	if (err)
		return err;
	mutex_lock(&dev->lock);
	if (dev->live)
		err = -EBUSY;
	else
		param->value = value;
	mutex_unlock(&dev->lock);
	return err ? err : (ssize_t)count;
}

#define SIM_CONFIGFS_SETTING(name)					\
static ssize_t sim_configfs_##name##_show(struct config_item *item,	\
					  char *page)			\
{									\
	struct sim_configfs_dev *dev = sim_configfs_dev(item);		\
									\
	return sim_configfs_get(dev, &dev->settings.name, page);	\
}									\
static ssize_t sim_configfs_##name##_store(struct config_item *item,	\
					   const char *page, size_t count) \
{									\
	struct sim_configfs_dev *dev = sim_configfs_dev(item);		\
									\
	return sim_configfs_set(dev, &dev->settings.name, page, count);	\
}									\
CONFIGFS_ATTR(sim_configfs_, name)

SIM_CONFIGFS_SETTING(slots);
SIM_CONFIGFS_SETTING(timeout);
SIM_CONFIGFS_SETTING(abort_timeout);
SIM_CONFIGFS_SETTING(reset_timeout);
SIM_CONFIGFS_SETTING(max_retries);
SIM_CONFIGFS_SETTING(latency_ms);
SIM_CONFIGFS_SETTING(queue_depth);

/* The device */

static ssize_t sim_configfs_dev_name_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, SIM_DEV_NAME "%u\n",
			  sim_configfs_dev(item)->number);
}
CONFIGFS_ATTR_RO(sim_configfs_, dev_name);

/*
 * Make the device. As long as it exists, rmdir() fails with EBUSY. If rmdir() has
 * begun, this fails with ENOENT.
 */
static int sim_configfs_go_live(struct sim_configfs_dev *dev)
{
	struct config_item *item = &dev->item;
	int err = configfs_depend_item_unlocked(item->ci_group->cg_subsys, item);

	if (err)
		return err;
	err = sim_main_add(&dev->dev, dev->number, &dev->settings);
	if (err)
		configfs_undepend_item(item);
	return err;
}

static void sim_configfs_go_away(struct sim_configfs_dev *dev)
{
	sim_main_remove(&dev->dev);
	configfs_undepend_item(&dev->item);
}

static ssize_t sim_configfs_live_show(struct config_item *item, char *page)
{
	struct sim_configfs_dev *dev = sim_configfs_dev(item);
	bool live;

	mutex_lock(&dev->lock);
	live = dev->live;
	mutex_unlock(&dev->lock);
	return sysfs_emit(page, "%d\n", live);
}

static ssize_t sim_configfs_live_store(struct config_item *item,
				       const char *page, size_t count)
{
	struct sim_configfs_dev *dev = sim_configfs_dev(item);
	bool live;
	int err = kstrtobool(page, &live);

	if (err)
		return err;
	mutex_lock(&dev->lock);
	if (live && !dev->live)
		err = sim_configfs_go_live(dev);
	else if (!live && dev->live)
		sim_configfs_go_away(dev);
	if (!err)
		dev->live = live;
	mutex_unlock(&dev->lock);
	return err ? err : (ssize_t)count;
}
CONFIGFS_ATTR(sim_configfs_, live);

/* Directories */

static struct configfs_attribute *sim_configfs_attrs[] = {
	&sim_configfs_attr_slots,
	&sim_configfs_attr_timeout,
	&sim_configfs_attr_abort_timeout,
	&sim_configfs_attr_reset_timeout,
	&sim_configfs_attr_max_retries,
	&sim_configfs_attr_latency_ms,
	&sim_configfs_attr_queue_depth,
	&sim_configfs_attr_dev_name,
	&sim_configfs_attr_live,
	NULL
};

/* The device is not live: otherwise rmdir() would have failed. */
static void sim_configfs_release(struct config_item *item)
{
	struct sim_configfs_dev *dev = sim_configfs_dev(item);

	sim_main_put_number(dev->number);
	mutex_destroy(&dev->lock);
	kfree(dev);
}

static struct configfs_item_operations sim_configfs_item_ops = {
	.release = sim_configfs_release,
};

static const struct config_item_type sim_configfs_item_type = {
	.ct_owner = THIS_MODULE,
	.ct_item_ops = &sim_configfs_item_ops,
	.ct_attrs = sim_configfs_attrs,
};

static struct config_item *sim_configfs_make_item(struct config_group *group,
						  const char *name)
{
	struct sim_configfs_dev *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int number;

	if (!dev)
		return ERR_PTR(-ENOMEM);
	number = sim_main_get_number();
	if (number < 0)
		goto out_free;
	config_item_init_type_name(&dev->item, name, &sim_configfs_item_type);
	if (!config_item_name(&dev->item)) {	/* a long name needs memory */
		sim_main_put_number(number);
		number = -ENOMEM;
		goto out_free;
	}
	dev->number = number;
	mutex_init(&dev->lock);
	dev->settings = sim_dev_defaults;
	return &dev->item;

out_free:
	kfree(dev);
	return ERR_PTR(number);
}

static struct configfs_group_operations sim_configfs_group_ops = {
	.make_item = sim_configfs_make_item,
};

static const struct config_item_type sim_configfs_group_type = {
	.ct_owner = THIS_MODULE,
	.ct_group_ops = &sim_configfs_group_ops,
};

static struct configfs_subsystem sim_configfs = {
	.su_group = {
		.cg_item = {
			.ci_namebuf = SIM_DEV_NAME,
			.ci_type = &sim_configfs_group_type,
		},
	},
};

static int __init sim_configfs_init(void)
{
	config_group_init(&sim_configfs.su_group);
	mutex_init(&sim_configfs.su_mutex);
	return configfs_register_subsystem(&sim_configfs);
}

static void __exit sim_configfs_exit(void)
{
	configfs_unregister_subsystem(&sim_configfs);
	mutex_destroy(&sim_configfs.su_mutex);
}

module_init(sim_configfs_init);
module_exit(sim_configfs_exit);

MODULE_DESCRIPTION("Makes simulated devices at run time, by configfs");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
