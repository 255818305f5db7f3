/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rules.h - what a test server does to a request before it answers: delay,
 * fail or hold.  Set on the command line or over a control socket; it doesn't
 * know what the requests mean.
 */
#ifndef RULES_H
#define RULES_H

#include <stdint.h>
#include <stdio.h>

/*
 * Parse "OPCODE=VALUE" (or "OPCODE" for hold, "all=VALUE" for delay); 0, or -1
 * after a message.
 */
int rules_delay(const char *text);
int rules_fail(const char *text);
int rules_hold(const char *text);
/* "OPCODE" or "all": let those go that are held, and hold no more of them. */
int rules_release(const char *text);

/* Does this opcode have to wait, so that it needs a thread of its own? */
int rules_must_wait(uint32_t opcode);
/* Wait as told; then the errno to answer with, or 0 for the real answer. */
int rules_apply(uint32_t opcode);
/* How many requests of this opcode are held now. */
int rules_held(uint32_t opcode);

/*
 * A socket that listens at @path, which is new, or -1 after a message that begins
 * with @whose it is; @flags: of its type, for example SOCK_NONBLOCK.
 */
int rules_listen(const char *whose, const char *path, int flags);

/*
 * Serve the control socket in a thread of its own.  A line is a command, its
 * answer goes until the end of the connection.  What the rules don't know goes
 * to @other, which returns 0 if it has answered.
 */
int rules_serve(const char *path, FILE *log, FILE *dump,
		int (*other)(FILE *answer, char *command, char *argument));

#endif /* RULES_H */
