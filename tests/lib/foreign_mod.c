// SPDX-License-Identifier: GPL-2.0-only
/*
 * platform_foreign - a platform device that belongs to no driver of ours
 *
 * The parameters give its name and number: those of a device that a driver expects or
 * will make, or others, for a device that is bound by driver_override.
 */
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/module.h>
#include <linux/platform_device.h>

static char *name = "foreign";
module_param(name, charp, 0444);
MODULE_PARM_DESC(name, "of the device (default foreign)");

static int id;
module_param(id, int, 0444);
MODULE_PARM_DESC(id, "its number (default 0)");

static bool interrupt;
module_param(interrupt, bool, 0444);
MODULE_PARM_DESC(interrupt, "has an interrupt (default N)");

static bool data;
module_param(data, bool, 0444);
MODULE_PARM_DESC(data, "has platform data that contain no pointers (default N)");

static struct platform_device *pdev;
static int irq;

static int __init foreign_init(void)
{
	static const unsigned long values[] = { 1, 2, 3, 4 };
	struct resource resource;

	irq = __irq_alloc_descs(-1, 1, 1, NUMA_NO_NODE, NULL, NULL);
	if (irq < 0)
		return irq;
	irq_set_chip_and_handler(irq, &dummy_irq_chip, handle_edge_irq);
	irq_clear_status_flags(irq, IRQ_NOREQUEST);
	resource = (struct resource)DEFINE_RES_IRQ(irq);
	pdev = platform_device_register_resndata(NULL, name, id,
						 &resource, interrupt,
						 data ? values : NULL,
						 sizeof(values));
	if (IS_ERR(pdev)) {
		irq_free_descs(irq, 1);
		return PTR_ERR(pdev);
	}
	return 0;
}

static void __exit foreign_exit(void)
{
	platform_device_unregister(pdev);
	irq_free_descs(irq, 1);
}

module_init(foreign_init);
module_exit(foreign_exit);

MODULE_DESCRIPTION("A platform device that drivers must refuse");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
