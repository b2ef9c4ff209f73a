#include "publisher.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#include "codec.h"
#include "relief.h"

#define PAUSE_MS 4 /* what comes meanwhile leaves together, and wakes nobody */

struct publisher {
	pthread_t thread;
	pthread_mutex_t mutex; /* of the next two */
	struct buffer waiting; /* events, each behind its size */
	bool end;
	pthread_cond_t go;
	void *socket; /* the thread's, as is what follows */
	struct relief *relief;
	struct buffer leaving;
	bool added; /* the caller's: since it last said go */
};

/* All that waits, as soon as there is something. False: nothing, and nothing more will. */
static bool events_take(struct publisher *publisher)
{
	struct buffer emptied = publisher->leaving;

	buffer_reset(&emptied);
	pthread_mutex_lock(&publisher->mutex);
	while (publisher->waiting.size == 0 && !publisher->end)
		pthread_cond_wait(&publisher->go, &publisher->mutex);
	publisher->leaving = publisher->waiting;
	publisher->waiting = emptied;
	pthread_mutex_unlock(&publisher->mutex);
	return publisher->leaving.size > 0;
}

static void *publish(void *argument)
{
	struct publisher *publisher = argument;

	while (events_take(publisher)) {
		const struct buffer *events = &publisher->leaving;

		for (size_t at = 0, size; at < events->size; at += sizeof(size) + size) {
			memcpy(&size, events->at + at, sizeof(size));
			relief_begin(publisher->relief);
			zmq_send(publisher->socket, events->at + at + sizeof(size), size,
				ZMQ_DONTWAIT);
			relief_end(publisher->relief);
		}
		nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
	}
	return NULL;
}

int publisher_open(struct publisher **ret, void *socket, struct relief *relief)
{
	struct publisher *publisher = calloc(1, sizeof(*publisher));
	int result;

	if (!publisher)
		return -ENOMEM;
	publisher->socket = socket;
	publisher->relief = relief;
	publisher->waiting.limit = publisher->leaving.limit = PUBLISHER_MAX_BYTES;
	pthread_mutex_init(&publisher->mutex, NULL);
	pthread_cond_init(&publisher->go, NULL);
	result = pthread_create(&publisher->thread, NULL, publish, publisher);
	if (result == 0)
		*ret = publisher;
	else
		free(publisher);
	return -result;
}

void publisher_close(struct publisher *publisher)
{
	if (!publisher)
		return;
	pthread_mutex_lock(&publisher->mutex);
	publisher->end = true;
	pthread_cond_signal(&publisher->go);
	pthread_mutex_unlock(&publisher->mutex);
	pthread_join(publisher->thread, NULL);
	zmq_close(publisher->socket);
	buffer_done(&publisher->waiting);
	buffer_done(&publisher->leaving);
	pthread_cond_destroy(&publisher->go);
	pthread_mutex_destroy(&publisher->mutex);
	free(publisher);
}

void publisher_add(struct publisher *publisher, const void *event, size_t size)
{
	void *room;

	pthread_mutex_lock(&publisher->mutex);
	room = buffer_extend(&publisher->waiting, sizeof(size) + size);
	if (room) {
		memcpy(room, &size, sizeof(size));
		memcpy((uint8_t *)room + sizeof(size), event, size);
	}
	pthread_mutex_unlock(&publisher->mutex);
	publisher->added = true;
}

/* Nobody is woken for nothing. */
void publisher_go(struct publisher *publisher)
{
	if (publisher->added)
		pthread_cond_signal(&publisher->go);
	publisher->added = false;
}
