/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sim_main - makes and removes devices while the module is loaded
 *
 *	number = sim_main_get_number();
 *	err = sim_main_add(&dev, number, &settings);	now /dev/sim_devNUMBER exists
 *	sim_main_remove(&dev);
 *	sim_main_put_number(number);
 *
 * sim_configfs.c uses it, in a module of its own.
 */
#ifndef _SIM_MAIN_H
#define _SIM_MAIN_H

struct platform_device;
struct sim_dev_settings;
struct sim_hw;

/**
 * struct sim_main_dev - a device that was made
 * @hw: its hardware model
 * @pdev: the platform device, to which the driver binds
 */
struct sim_main_dev {
	struct sim_hw *hw;
	struct platform_device *pdev;
};

int sim_main_get_number(void);
void sim_main_put_number(unsigned int number);
int sim_main_add(struct sim_main_dev *dev, unsigned int number,
		 const struct sim_dev_settings *settings);
void sim_main_remove(struct sim_main_dev *dev);

#endif /* _SIM_MAIN_H */
