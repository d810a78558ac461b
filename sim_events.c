// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_events - what a simulated device will signal, and what waits to be read
 *
 * Each slot has one event for its operation and one for its abort, and the device
 * has one for its reset. So events never run out, and no search is needed to drop
 * one. Late operations are the exception: their events outlive them, and come from
 * a pool.
 */
#include "sim_events.h"

static struct sim_event *sim_event_of(struct rb_node *node)
{
	return rb_entry_safe(node, struct sim_event, node);
}

/**
 * sim_events_first - the event that is due first
 * @events: the events
 *
 * Context: any, under the caller's lock.
 * Return: the event, or NULL. Of those with the same due time, the first that
 * was added.
 */
struct sim_event *sim_events_first(const struct sim_events *events)
{
	return sim_event_of(rb_first_cached(&events->tree));
}

/**
 * sim_events_next - the event that is due next
 * @event: an event that was added
 *
 * Context: any, under the caller's lock.
 * Return: the event after @event, or NULL.
 */
struct sim_event *sim_events_next(const struct sim_event *event)
{
	return sim_event_of(rb_next(&event->node));
}

static bool sim_event_is_before(struct rb_node *a, const struct rb_node *b)
{
	return ktime_before(rb_entry(a, struct sim_event, node)->due,
			    rb_entry(b, struct sim_event, node)->due);
}

/**
 * sim_events_add - add an event
 * @events: the events
 * @event: the event, which is not there
 *
 * Context: any, under the caller's lock.
 */
void sim_events_add(struct sim_events *events, struct sim_event *event)
{
	rb_add_cached(&event->node, &events->tree, sim_event_is_before);
}

/**
 * sim_events_remove - remove an event, if it is there
 * @events: the events
 * @event: the event. If it came from sim_events_get_late(), it returns to the pool
 *
 * Context: any, under the caller's lock.
 */
void sim_events_remove(struct sim_events *events, struct sim_event *event)
{
	if (RB_EMPTY_NODE(&event->node))
		return;
	rb_erase_cached(&event->node, &events->tree);
	RB_CLEAR_NODE(&event->node);
	if (event->late) {
		event->next = events->free_late;
		events->free_late = event;
	}
}

/**
 * sim_events_get_late - get an event for a late operation
 * @events: the events
 *
 * Context: any, under the caller's lock.
 * Return: the event, which the caller marks as late and adds; NULL if there is
 * none left.
 */
struct sim_event *sim_events_get_late(struct sim_events *events)
{
	struct sim_event *event = events->free_late;

	if (event)
		events->free_late = event->next;
	return event;
}

static struct sim_posted *sim_events_posted(struct sim_events *events,
					    unsigned int i)
{
	return &events->posted[(events->first + i) % SIM_HW_MAX_CAUSES];
}

/**
 * sim_events_post - queue an event's cause for the driver to read
 * @events: the events
 * @event: an event that is due
 *
 * Context: any, under the caller's lock.
 * Return: false if SIM_HW_MAX_CAUSES wait already: this cause is lost.
 */
bool sim_events_post(struct sim_events *events, const struct sim_event *event)
{
	struct sim_posted *posted;

	if (events->nr_posted == SIM_HW_MAX_CAUSES)
		return false;
	posted = sim_events_posted(events, events->nr_posted++);
	posted->cause = (u64)event->tag << 32 | (u32)event->length << 16 |
			event->slot << 8 | event->code;
	posted->stays = event->late || event->code == SIM_HW_CAUSE_NONE;
	return true;
}

/**
 * sim_events_read - take the first cause that waits
 * @events: the events; a cause waits
 *
 * Context: any, under the caller's lock.
 * Return: the cause.
 */
u64 sim_events_read(struct sim_events *events)
{
	u64 cause = sim_events_posted(events, 0)->cause;

	events->first = (events->first + 1) % SIM_HW_MAX_CAUSES;
	events->nr_posted--;
	return cause;
}

/**
 * sim_events_drop_posted - drop the causes that wait, except late and spurious ones
 * @events: the events
 *
 * Context: any, under the caller's lock.
 */
void sim_events_drop_posted(struct sim_events *events)
{
	unsigned int i, stay = 0;

	for (i = 0; i < events->nr_posted; i++) {
		struct sim_posted *posted = sim_events_posted(events, i);

		if (posted->stays)
			*sim_events_posted(events, stay++) = *posted;
	}
	events->nr_posted = stay;
}

/**
 * sim_events_init - make an empty tree, an empty ring and a full pool
 * @events: zeroed memory
 *
 * Context: any.
 */
void sim_events_init(struct sim_events *events)
{
	unsigned int i;

	events->tree = RB_ROOT_CACHED;
	for (i = 0; i < SIM_EVENTS_MAX_LATE; i++) {
		events->late[i].next = events->free_late;
		events->free_late = &events->late[i];
	}
}
