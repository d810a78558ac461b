/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For a test that compiles a copy of the driver, or of its hardware model, into
 * itself: the copy's functions and variables that are not static get the prefix
 * OWN_COPY, and its names in /dev and sysfs become the test's. So all tests can
 * be built into one kernel, together with the driver.
 *
 * Include this first. If a new function or variable is missing here, `make
 * test-overlay` does not link.
 */
#ifndef _OWN_COPY_H
#define _OWN_COPY_H

#define OWN_PASTE(a, b)		a##_##b
#define OWN_NAME(a, b)		OWN_PASTE(a, b)
#define OWN(name)		OWN_NAME(OWN_COPY, name)

/* The copy has no trace events: they must exist only once. See linux/tracepoint.h. */
#define NOTRACE

#define SIM_DEV_NAME		KBUILD_MODNAME

#define sim_events_add			OWN(sim_events_add)
#define sim_events_drop_posted		OWN(sim_events_drop_posted)
#define sim_events_first		OWN(sim_events_first)
#define sim_events_get_late		OWN(sim_events_get_late)
#define sim_events_init			OWN(sim_events_init)
#define sim_events_next			OWN(sim_events_next)
#define sim_events_post			OWN(sim_events_post)
#define sim_events_read			OWN(sim_events_read)
#define sim_events_remove		OWN(sim_events_remove)

#define sim_hw_abort			OWN(sim_hw_abort)
#define sim_hw_add_rule			OWN(sim_hw_add_rule)
#define sim_hw_clear			OWN(sim_hw_clear)
#define sim_hw_create			OWN(sim_hw_create)
#define sim_hw_drop_rule		OWN(sim_hw_drop_rule)
#define sim_hw_get			OWN(sim_hw_get)
#define sim_hw_get_rules		OWN(sim_hw_get_rules)
#define sim_hw_get_state		OWN(sim_hw_get_state)
#define sim_hw_inject			OWN(sim_hw_inject)
#define sim_hw_irq			OWN(sim_hw_irq)
#define sim_hw_put			OWN(sim_hw_put)
#define sim_hw_read			OWN(sim_hw_read)
#define sim_hw_read_buffer		OWN(sim_hw_read_buffer)
#define sim_hw_read_tag			OWN(sim_hw_read_tag)
#define sim_hw_reset			OWN(sim_hw_reset)
#define sim_hw_seed			OWN(sim_hw_seed)
#define sim_hw_set_dead			OWN(sim_hw_set_dead)
#define sim_hw_set_gone			OWN(sim_hw_set_gone)
#define sim_hw_set_range		OWN(sim_hw_set_range)
#define sim_hw_set_power		OWN(sim_hw_set_power)
#define sim_hw_start			OWN(sim_hw_start)

#define sim_rules_add			OWN(sim_rules_add)
#define sim_rules_clear			OWN(sim_rules_clear)
#define sim_rules_drop			OWN(sim_rules_drop)
#define sim_rules_is_of			OWN(sim_rules_is_of)
#define sim_rules_name			OWN(sim_rules_name)
#define sim_rules_number		OWN(sim_rules_number)
#define sim_rules_parse			OWN(sim_rules_parse)
#define sim_rules_random		OWN(sim_rules_random)
#define sim_rules_range			OWN(sim_rules_range)
#define sim_rules_seed			OWN(sim_rules_seed)
#define sim_rules_strike		OWN(sim_rules_strike)
#define sim_rules_takes_arg		OWN(sim_rules_takes_arg)
#define sim_rules_word			OWN(sim_rules_word)

#define sim_client_cancel		OWN(sim_client_cancel)
#define sim_client_end			OWN(sim_client_end)
#define sim_client_get			OWN(sim_client_get)
#define sim_client_put			OWN(sim_client_put)
#define sim_client_submit		OWN(sim_client_submit)
#define sim_ctl_fops			OWN(sim_ctl_fops)
#define sim_ctl_groups			OWN(sim_ctl_groups)
#define sim_dev_admit			OWN(sim_dev_admit)
#define sim_dev_bind			OWN(sim_dev_bind)
#define sim_dev_cancel			OWN(sim_dev_cancel)
#define sim_dev_defaults		OWN(sim_dev_defaults)
#define sim_dev_drain			OWN(sim_dev_drain)
#define sim_dev_failed			OWN(sim_dev_failed)
#define sim_dev_get			OWN(sim_dev_get)
#define sim_dev_halt			OWN(sim_dev_halt)
#define sim_dev_isr			OWN(sim_dev_isr)
#define sim_dev_put			OWN(sim_dev_put)
#define sim_dev_queue			OWN(sim_dev_queue)
#define sim_dev_quiesce			OWN(sim_dev_quiesce)
#define sim_dev_register_driver		OWN(sim_dev_register_driver)
#define sim_dev_restore			OWN(sim_dev_restore)
#define sim_dev_set_limits		OWN(sim_dev_set_limits)
#define sim_dev_shut_down		OWN(sim_dev_shut_down)
#define sim_dev_thread			OWN(sim_dev_thread)
#define sim_dev_unlock			OWN(sim_dev_unlock)
#define sim_dev_unregister_driver	OWN(sim_dev_unregister_driver)
#define sim_dev_watchdog		OWN(sim_dev_watchdog)
#define sim_dev_wq			OWN(sim_dev_wq)
#define sim_file_fops			OWN(sim_file_fops)
#define sim_log_reports			OWN(sim_log_reports)
#define sim_log_reset			OWN(sim_log_reset)
#define sim_log_slot			OWN(sim_log_slot)
#define sim_main_add			OWN(sim_main_add)
#define sim_main_get_number		OWN(sim_main_get_number)
#define sim_main_put_number		OWN(sim_main_put_number)
#define sim_main_remove			OWN(sim_main_remove)

#endif /* _OWN_COPY_H */
