/* loopback: TCP on 127.0.0.1 for the benchmark's helpers. They end with a message, and status 1,
 * where they cannot do their work. */
#ifndef BENCH_LOOPBACK_H
#define BENCH_LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>

/* Ends the program: says what could not be done, and errno. */
_Noreturn void loopback_fail(const char *what);

/* The number that an argument gives; ends the program unless it is one between 1 and max. */
unsigned long long loopback_number(const char *text, unsigned long long max);

/* The port that an argument gives. */
unsigned short loopback_port(const char *text);

/* A socket that listens on the port. */
int loopback_listen(unsigned short port);

/* The next connection's socket, with TCP_NODELAY. */
int loopback_accept(int listener);

/* A connection to the port, with TCP_NODELAY, from 127.0.0.source: one source address has ports
 * for some 28,000 connections a minute only. -1 if it fails. */
int loopback_connect(unsigned short port, unsigned source);

/* Sends all of it on a blocking socket; false when that fails. */
bool loopback_send(int fd, const char *at, size_t len);

#endif
