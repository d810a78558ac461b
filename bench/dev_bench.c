// SPDX-License-Identifier: GPL-2.0-only
/*
 * dev_bench - how long a blocking write() to a device takes
 *
 *	dev_bench NAME WRITERS SAMPLES NODE...
 *
 * WRITERS threads write 64 bytes at a time to the nodes. With enough nodes each
 * thread has its own. Prints one line: SAMPLES times the nanoseconds per request,
 * over all writers:
 *
 *	bench NAME NODES ns SAMPLE...
 *
 * A sample is the number of requests that take a fifth of a second. Finding this
 * number also warms up the caches.
 */
#include "client.h"

#include <pthread.h>

#define SIZE		64	/* bytes of a request */
#define SAMPLE		0.2	/* seconds */
#define MAX_WRITERS	64
#define MAX_NODES	64

static unsigned int nr_nodes, nr_writers;
static const char **nodes;
static pthread_barrier_t gate;	/* all writers and main() */

struct writer {
	pthread_t thread;
	unsigned int requests;
	unsigned int nr_files;
	int files[MAX_NODES];
};

static struct writer writers[MAX_WRITERS];

/* Open every nr_writers-th node; with fewer nodes than writers, one that others have too. */
static void open_nodes(unsigned int nr)
{
	struct writer *w = &writers[nr];
	unsigned int i;

	for (i = nr % nr_nodes; i < nr_nodes; i += nr_writers) {
		w->files[w->nr_files] = open(nodes[i], O_WRONLY | O_CLOEXEC);
		if (w->files[w->nr_files++] < 0)
			die("cannot open %s: %m", nodes[i]);
	}
}

static void *write_all(void *data)
{
	static const char text[SIZE];
	struct writer *w = data;
	unsigned int i, file = 0;

	pthread_barrier_wait(&gate);
	for (i = 0; i < w->requests; i++) {
		if (write(w->files[file], text, SIZE) != SIZE)
			die("cannot write: %m");
		if (++file == w->nr_files)
			file = 0;
	}
	return NULL;
}

/* Return: the seconds that this number of requests of each writer takes. */
static double run(unsigned int requests)
{
	double began;
	unsigned int i;

	for (i = 0; i < nr_writers; i++) {
		writers[i].requests = requests;
		if (pthread_create(&writers[i].thread, NULL, write_all, &writers[i]))
			die("cannot make a thread");
	}
	began = now();
	pthread_barrier_wait(&gate);
	for (i = 0; i < nr_writers; i++)
		pthread_join(writers[i].thread, NULL);
	return now() - began;
}

int main(int argc, char **argv)
{
	unsigned int requests = 16, samples, i;
	double seconds;

	if (argc < 5)
		die("usage: dev_bench NAME WRITERS SAMPLES NODE...");
	nr_writers = atoi(argv[2]);
	samples = atoi(argv[3]);
	nodes = (const char **)argv + 4;
	nr_nodes = argc - 4;
	if (nr_writers < 1 || nr_writers > MAX_WRITERS || nr_nodes > MAX_NODES)
		die("too many writers or nodes, or none");
	pthread_barrier_init(&gate, NULL, nr_writers + 1);
	for (i = 0; i < nr_writers; i++)
		open_nodes(i);

	seconds = run(requests);
	while (seconds < SAMPLE / 2) {
		requests *= 2;
		seconds = run(requests);
	}
	requests = requests * (SAMPLE / seconds) + 1;

	printf("bench %s %u ns", argv[1], nr_nodes);
	for (i = 0; i < samples; i++)
		printf(" %.1f", run(requests) * 1e9 / requests / nr_writers);
	printf("\n");
	return 0;
}
