/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fxclient.h - what the verbs of fxclient share.  A verb is a function and a
 * line of the table in fxclient.c.
 */
#ifndef FXCLIENT_H
#define FXCLIENT_H

#include <stdint.h>
#include <sys/types.h>

/* Each gets its own arguments only, and returns the exit status. */
int client_close(int argc, char **argv);
int client_close_many(int argc, char **argv);
int client_write_exec(int argc, char **argv);
int client_io(int argc, char **argv);
int client_fsync_error(int argc, char **argv);
int client_exit_deadlock(int argc, char **argv);
int client_killed_close(int argc, char **argv);
int client_lock(int argc, char **argv);
int client_script(int argc, char **argv);
int client_control(int argc, char **argv);
int client_remount(int argc, char **argv);
int client_tick(int argc, char **argv);
int client_now(int argc, char **argv);
int client_poll(int argc, char **argv);
int client_true(int argc, char **argv);
int client_write_word(int argc, char **argv);
int client_hold_files(int argc, char **argv);
int client_die(int argc, char **argv);
int client_close_kind(int argc, char **argv);
int client_close_shared(int argc, char **argv);
int client_close_told(int argc, char **argv);
int client_map_close(int argc, char **argv);
int client_exit_open(int argc, char **argv);
int client_close_batch(int argc, char **argv);
int client_take_turns(int argc, char **argv);
int client_pass(int argc, char **argv);
int client_pass_on(int argc, char **argv);
int client_async_close(int argc, char **argv);
int client_syncfs(int argc, char **argv);
int client_mount_again(int argc, char **argv);
int client_dirty(int argc, char **argv);
int client_keep(int argc, char **argv);
int client_eat(int argc, char **argv);
int client_storm(int argc, char **argv);
int client_fail_nth(int argc, char **argv);
int client_abort_copy(int argc, char **argv);
int client_create(int argc, char **argv);
int client_create_watch(int argc, char **argv);
int client_create_table(int argc, char **argv);
int client_create_files(int argc, char **argv);
int client_create_race(int argc, char **argv);
int client_create_churn(int argc, char **argv);
int client_inval_calls(int argc, char **argv);
int client_inval_open(int argc, char **argv);
int client_inval_flight(int argc, char **argv);
int client_inval_dirty(int argc, char **argv);
int client_inval_reopen(int argc, char **argv);
int client_inval_cached(int argc, char **argv);
int client_inval_many(int argc, char **argv);
int client_inval_locks(int argc, char **argv);
int client_random_io(int argc, char **argv);
int client_tree_make(int argc, char **argv);
int client_tree_list(int argc, char **argv);
int client_use(int argc, char **argv);
int client_bench_among(int argc, char **argv);
int client_delayed_tally(int argc, char **argv);
int client_bench_create(int argc, char **argv);
int client_bench_exec(int argc, char **argv);
int client_bench_inval(int argc, char **argv);
int client_bench_maildir(int argc, char **argv);
int client_bench_op(int argc, char **argv);
int client_bench_lookup(int argc, char **argv);
int client_mount_applied(int argc, char **argv);
int client_mount_many(int argc, char **argv);
int client_measure(int argc, char **argv);

/* Shared helpers; they end the process with a message when they fail. */
int must_open(const char *path, int flags);
void must_write(int fd, const char *path, size_t size);
/* close(2), timed; 0 or errno, and the time in *@us. */
int timed_close(int fd, uint64_t *us);
/* Wait for a child up to @limit_ms; -1 if it is still there, else milliseconds. */
int64_t wait_limited(pid_t child, uint64_t limit_ms);

/* chdir(2), or the end. */
void bench_chdir(const char *path);
/* What bench/guest.bash reads: the operations since @start, and their time. */
void bench_tell(int operations, uint64_t start);

#endif /* FXCLIENT_H */
