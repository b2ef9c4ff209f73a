#include <errno.h>

#include "disk.h"

/* Stands before txn_commit (the linker's --wrap): the disk of the daemon in its tick may be full,
 * or break in the middle of a commit. And it tells the oracle that there is something to look at. */

int __real_txn_commit(struct txn *txn);
int __wrap_txn_commit(struct txn *txn);

static struct sim *disk_sim;

void disk_watch(struct sim *sim)
{
	disk_sim = sim;
}

static int commit_broken(struct node *node, struct txn *txn)
{
	node->broken_commits--;
	if (node->broken_keeps) {
		node->dirty = true;
		__real_txn_commit(txn);
	} else {
		txn_abort(txn);
	}
	sim_trace(node->sim, "%s: the disk fails in a commit that was %s", node->program->name,
		node->broken_keeps ? "made" : "not made");
	return -EIO;
}

int __wrap_txn_commit(struct txn *txn)
{
	struct node *node = disk_sim ? disk_sim->ticking : NULL;

	if (!node || txn_writes(txn) == 0 || txn_error(txn) != 0)
		return __real_txn_commit(txn);
	if (node->broken_commits > 0)
		return commit_broken(node, txn);
	if (node->full_commits > 0) {
		node->full_commits--;
		sim_trace(node->sim, "%s: the disk is full", node->program->name);
		txn_abort(txn);
		return -ENOSPC;
	}
	node->dirty = true;
	return __real_txn_commit(txn);
}
