// SPDX-License-Identifier: GPL-2.0-only
/*
 * ported_hw - the device that ported.c drives: sim_dev's silicon, in a module
 *
 * Makes one platform device, ported.0, with an interrupt. The parameters have
 * it misbehave.
 */
#include <linux/module.h>
#include <linux/platform_device.h>

#include "sim_hw.c"

EXPORT_SYMBOL_GPL(sim_hw_start);
EXPORT_SYMBOL_GPL(sim_hw_reset);
EXPORT_SYMBOL_GPL(sim_hw_read);

static unsigned int hang;
module_param(hang, uint, 0444);
MODULE_PARM_DESC(hang, "operations that never interrupt");

static unsigned int reset_hang;
module_param(reset_hang, uint, 0444);
MODULE_PARM_DESC(reset_hang, "resets that never end");

static struct sim_hw *hw;
static struct platform_device *pdev;

static struct platform_device *ported_hw_register(void)
{
	struct resource irq = DEFINE_RES_IRQ(sim_hw_irq(hw));

	return platform_device_register_resndata(NULL, "ported", 0, &irq, 1,
						 &hw, sizeof(hw));
}

static int __init ported_hw_init(void)
{
	hw = sim_hw_create(5, 5);
	if (IS_ERR(hw))
		return PTR_ERR(hw);
	sim_hw_inject(hw, SIM_HW_HANG, min_t(u32, hang, SIM_HW_MAX_FAULTS));
	sim_hw_inject(hw, SIM_HW_RESET_HANG,
		      min_t(u32, reset_hang, SIM_HW_MAX_FAULTS));
	pdev = ported_hw_register();
	if (IS_ERR(pdev)) {
		sim_hw_destroy(hw);
		return PTR_ERR(pdev);
	}
	return 0;
}

static void __exit ported_hw_exit(void)
{
	platform_device_unregister(pdev);
	sim_hw_destroy(hw);
}

module_init(ported_hw_init);
module_exit(ported_hw_exit);

MODULE_DESCRIPTION("The device of the porting example");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
