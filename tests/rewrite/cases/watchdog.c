// SPDX-License-Identifier: GPL-2.0-only
// Arms itself on every path, once a second, and is set up in the probe of a platform device.
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/timer.h>

#define PERIOD (HZ)

struct sensor {
	struct device *dev;
	struct timer_list poll;
	unsigned long polls;
};

static void sensor_poll(struct timer_list *t)
{
	struct sensor *sensor = timer_container_of(sensor, t, poll);

	if (sensor->polls++ == 0)
		dev_info(sensor->dev, "first poll\n");
	mod_timer(&sensor->poll, round_jiffies(jiffies + PERIOD));
}

static int sensor_probe(struct platform_device *pdev)
{
	struct sensor *sensor;

	sensor = devm_kzalloc(&pdev->dev, sizeof(*sensor), GFP_KERNEL);
	if (!sensor)
		return -ENOMEM;
	sensor->dev = &pdev->dev;
	platform_set_drvdata(pdev, sensor);
	timer_setup(&sensor->poll, sensor_poll, 0);
	mod_timer(&sensor->poll, jiffies + PERIOD);
	return 0;
}

static void sensor_shutdown(struct platform_device *pdev)
{
	struct sensor *sensor = platform_get_drvdata(pdev);

	timer_delete_sync(&sensor->poll);
}

static struct platform_driver sensor_driver = {
	.probe = sensor_probe,
	.shutdown = sensor_shutdown,
	.driver.name = "sensor",
};
module_platform_driver(sensor_driver);
MODULE_LICENSE("GPL");
