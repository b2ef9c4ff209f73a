/* Every message that the daemons log under an id of its own, stated once: what it is called here, its
 * MESSAGE_ID (32 hexadecimal digits, never changed, never used again), its level, its subject, and
 * what it means and what to do; @FIELD@ stands for the journal's field. message.h and message.c make
 * of it what they need. */

MESSAGE(STARTED, "3064b55dd06e4427b106d388e6e06d02", LOG_LEVEL_INFO, "The daemon serves",
	"Store and sockets are open; requests are answered from now on. Nothing is to be done.")
MESSAGE(STOPPED, "364bf2efc15548c899bfa0401bf8df82", LOG_LEVEL_INFO, "The daemon stops",
	"It was asked to, or cannot go on; the line before says which. What was answered is kept,\n"
	"what was not is whole or absent: clients that repeat under their idempotency key lose nothing.")
MESSAGE(RELOADED, "e2d35a16dbe54152884956598cd930f8", LOG_LEVEL_INFO,
	"The configuration was read again",
	"Every changed setting is in force. Nothing is to be done.")
MESSAGE(RELOADED_PARTLY, "4d6c516f93b5477fb11668a4736c70e5", LOG_LEVEL_WARNING,
	"A restart is needed for some settings",
	"The configuration was read again, but the settings that the message names can only change at\n"
	"a start; their old values stay in force until then.\n\n"
	"Run `systemctl restart` for this daemon when it suits you: sockets and orders outlast it.")
MESSAGE(NOT_RELOADED, "6f0b2fe6e48f4afc97996978a538a563", LOG_LEVEL_WARNING,
	"The configuration was not read again",
	"The file has a mistake, which the line before names with its place. All old settings stay in\n"
	"force.\n\n"
	"Correct the file (orderd.conf(5)), then run `systemctl reload` for this daemon. It would not\n"
	"start with the file as it is.")
MESSAGE(WRONG_SETTINGS, "4c112f49ac1e44b5bff7cbfae8e292c8", LOG_LEVEL_ERROR,
	"The daemon did not start: its settings are wrong",
	"The line before names the mistake with its place.\n\n"
	"Correct it; `orderctl config check` names all there are. Then run `systemctl reset-failed`\n"
	"for the service and its socket, and `systemctl start orderd.target`.")
MESSAGE(FAILPOINTS, "7d95464763524e4b9036a7cd87c3f600", LOG_LEVEL_WARNING,
	"The daemon is being tested",
	"The environment variable ORDERD_FAILPOINTS is set: the file that it names may have the daemon die\n"
	"or stand still at any step. It is for tests of a suite of their own.\n\n"
	"If a shop depends on this daemon, take the variable out of its environment and restart it.")
MESSAGE(NAME_UNKNOWN, "e50d2e33b5154fc9a0b9af45f45f3172", LOG_LEVEL_WARNING,
	"A user or group in the configuration is not known",
	"admin_users, admin_groups, order_users or order_groups names somebody whom this system does not\n"
	"know; the name was left out, so it admits nobody.\n\n"
	"Correct the name or make the user or group, then run `systemctl reload` for this daemon.")
MESSAGE(DENIED, "c73d460df2154e839d270879fd4bb2ca", LOG_LEVEL_WARNING, "A request was denied",
	"User @ORDERD_PEER_UID@ asked for @ORDERD_OPERATION@, which is not for it. The request had no\n"
	"effect and the client was told. Further ones of this user and operation are counted and not\n"
	"logged for ten minutes.\n\n"
	"If it should be allowed, name the user in order_users or admin_users, or one of its groups in\n"
	"order_groups or admin_groups of orderd.conf(5), and reload. If not, see what that user runs.")
MESSAGE(NO_DIRECTORY, "040525cfc1ff45e6a949a9fca6bc38fa", LOG_LEVEL_ERROR,
	"A directory cannot be made",
	"The daemon needs its runtime and its state directory and may not make the one that the message\n"
	"names, so it did not start.\n\n"
	"Make it, owned by the daemon's user, or name another one with runtime_dir or state_dir in\n"
	"orderd.conf(5). With the units, a directory of your own needs a drop-in with ReadWritePaths=.")
MESSAGE(NO_LOCK, "a7b1fa94c53c45098265121f29325309", LOG_LEVEL_ERROR,
	"The lock file cannot be used",
	"A lock file in the runtime directory keeps two daemons of one kind apart. It cannot be opened,\n"
	"so the daemon did not start.\n\n"
	"Let the runtime directory belong to the daemon's user and have room.")
MESSAGE(RUNS_ALREADY, "49abecc312d04ae3a5168472d4e4b118", LOG_LEVEL_ERROR,
	"The daemon runs already",
	"Another process serves this runtime directory, so this one did not start: two would take each\n"
	"other's clients.\n\n"
	"Stop the other one first, or use another --runtime-dir.")
MESSAGE(WRONG_SOCKET, "0c1f6a7f1d8e4b0e9b6f4a53c2d7e815", LOG_LEVEL_ERROR,
	"The socket unit passed a socket of another kind",
	"systemd opened a socket for this daemon that it does not serve, so it did not start.\n\n"
	"Let ListenStream= of the socket unit and runtime_dir in orderd.conf(5) name the same\n"
	"directory, then run `systemctl daemon-reload` and restart the socket.")
MESSAGE(HALF_RESTORED, "b2a4d1c09c6f4f6c8a4b7d1e5f30a962", LOG_LEVEL_ERROR,
	"A restore did not come to its end",
	"`orderctl restore` or `orderctl compact` was interrupted while it exchanged the stores, so\n"
	"they may be of different times, and the daemon did not start.\n\n"
	"Run the same command again, which first brings the interrupted one to its end. The old stores\n"
	"stand beside, as NAME.before-TIME.")
MESSAGE(CANNOT_SERVE, "dbb41bffb8514e83b3ef4414ba198aae", LOG_LEVEL_ERROR,
	"Sockets or store cannot be opened",
	"The daemon did not start. The message says what it could not open and why.\n\n"
	"Store in use: another process owns it; stop that one. No permission: let the state directory\n"
	"belong to the daemon's user. Damaged (\"Structure needs cleaning\"): restore a backup with\n"
	"`orderctl restore`. No space: make room. Then run `systemctl reset-failed` for the service and\n"
	"its socket, and `systemctl start orderd.target`.")
MESSAGE(TICK_FAILED, "7b84572672344c9d8d02ce0435dd127c", LOG_LEVEL_ERROR,
	"A tick failed and nothing of it was kept",
	"The daemon could not write what it had in hand. None of it was answered and none of it is\n"
	"stored; it ends, and the service manager starts it again, which recovers.\n\n"
	"If it comes back: see whether the disk is full (`df`) or failing (`dmesg`).")
MESSAGE(COMMIT_FAILED, "a873488c2a7b4bca8bfb445e488a843f", LOG_LEVEL_ERROR,
	"The store could not be written",
	"Writing or syncing the store failed, so it is not known whether the last requests are kept;\n"
	"none of them was answered. The daemon ends and reads the truth at its next start.\n\n"
	"Look for a failing or full disk: `dmesg`, `df`, `smartctl`. If it goes on, stop the suite,\n"
	"replace the disk and restore a backup.")
MESSAGE(STORE_FULL, "0c459afd01834ba4a43b4cd8ab9989ac", LOG_LEVEL_WARNING,
	"A store has no room for new work",
	"New orders are refused with `storage_full`; paying, cancelling and expiring go on in the room\n"
	"that is kept for them. Nothing is damaged and nothing that was answered is lost.\n\n"
	"Make room on the file system of the state directory (`df`), or raise store_size_max in\n"
	"orderd.conf(5) and restart the daemon.")
MESSAGE(STORE_HAS_ROOM, "9e6147f2cce749699fcd07be0c9cd88f", LOG_LEVEL_INFO,
	"A store has room again",
	"New work is taken again, which was refused as the store or its disk was full.\n\n"
	"Nothing is to be done.")
MESSAGE(OPERATION_FAILED, "bd1b03bd66764f2f921f28877b7f67b3", LOG_LEVEL_ERROR,
	"An operation failed",
	"@ORDERD_OPERATION@ ended with an error that is none of its documented answers. The client heard\n"
	"`internal`, and nothing of the request was kept.\n\n"
	"No memory: raise MemoryMax= or find what takes it. Anything else is a defect: report it with\n"
	"this line.")
MESSAGE(REFUSED_AFTER_WRITE, "7b165cbfbf5049c0a02229c008d12903", LOG_LEVEL_ERROR,
	"An operation refused what it had begun to write",
	"@ORDERD_OPERATION@ wrote and then refused, which it must not. The tick was undone and run again\n"
	"without that request, so nothing is harmed and the client heard `internal`.\n\n"
	"It is a defect: report it with this line.")
MESSAGE(RECORD_DAMAGED, "9709bfdde1ae447e8b0d10de4afd405e", LOG_LEVEL_ERROR,
	"A stored record is damaged",
	"The record that the message names does not match its checksum. It was not served: who asked for\n"
	"it heard `corrupt_record`; everything else goes on.\n\n"
	"Run `orderctl fsck` to see what else is damaged, test the disk and the memory, then restore\n"
	"a backup with `orderctl restore`.")
MESSAGE(PEER_ANSWER, "f091630edcae4418a96ec46e04a2a94a", LOG_LEVEL_WARNING,
	"A neighbour's answer was of no use",
	"Another daemon of the suite refused a whole frame, or answered what is no reply (see\n"
	"@ORDERD_ERROR@). What was asked is asked again, so nothing is lost while this lasts.\n\n"
	"See that all daemons have the same version (`orderctl status`) and that the neighbour runs\n"
	"as the same user or knows this one in admin_users (orderd.conf(5)).")
MESSAGE(TOO_LARGE, "ed7a205421c348538efbecda920b17c5", LOG_LEVEL_ERROR, "Clients were disconnected",
	"A client sent what has no bound of its own: a message that does not end, or subscriptions\n"
	"without end; or one had thousands of connections. The process had grown by half a gigabyte,\n"
	"could not get on with publishing, or had half of its descriptors in use (16384 at most), so\n"
	"clients were disconnected: those that most likely were the cause first. Programs that use ZeroMQ\n"
	"connect again by themselves; what got no answer is whole or absent, as always.\n\n"
	"No well-behaved client comes near this: see which programs of the group orderd are new.")
MESSAGE(CLOCK_SET, "38e7c2ef274b46b9a3f1d5e18d431e6d", LOG_LEVEL_WARNING, "The clock was set",
	"Deadlines count by the new time: orders may have become due at once, or later than they said.\n\n"
	"Let the clock be kept by NTP, which turns it slowly; nothing else is to be done.")
MESSAGE(ORDER_CHANGED, "9c2cc7c4836240fd9ab0d7c7c34345b7", LOG_LEVEL_INFO,
	"An order changed its state",
	"Order @ORDERD_ORDER_ID@ of user @ORDERD_USER_ID@ went on. `journalctl ORDERD_ORDER_ID=@ORDERD_ORDER_ID@`\n"
	"tells its way through all daemons, `orderctl order history` its states.")
MESSAGE(SAGA_STEP, "6c3244f1702f46f7871e6dca96b9eb9c", LOG_LEVEL_INFO, "An order's saga went on",
	"What orderd wants of stockd for order @ORDERD_ORDER_ID@ is kept as an open saga until it is\n"
	"confirmed; the step is now @ORDERD_SAGA_STEP@. `orderctl saga list` shows all open ones.")
MESSAGE(STOCK_MOVED, "f68fb3d1f637426ea5c8f8ba35d2595a", LOG_LEVEL_INFO,
	"An order's stock was moved",
	"stockd has held, sold or given back what order @ORDERD_ORDER_ID@ is about, or refused to hold\n"
	"it. `orderctl stock journal --order @ORDERD_ORDER_ID@` shows the books.")
MESSAGE(ORDER_DUE, "c5edcf5db45044e58156f837a5e1614b", LOG_LEVEL_INFO, "An order's time is up",
	"reaperd has proposed order @ORDERD_ORDER_ID@ to orderd, which decides whether it has expired.")
