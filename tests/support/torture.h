/* Failing allocations: torture_run calls a function again and again, each time with another of its
 * allocations failing, also those inside jansson, GLPK and libc.
 *
 *     static kerf_status load(void *context, kerf_error *err)
 *     {
 *         kerf_link *link = NULL;
 *         kerf_status status = kerf_link_load(context, &link, err);
 *         if (status == KERF_OK && !link->name)
 *             status = torture_wrong(err, "the name is missing");
 *         kerf_link_destroy(&link);
 *         return status;
 *     }
 *     torture_run(load, "configs/links/lte.json");
 *
 * The function frees what it gets. It must not assert, because cmocka's messages need memory too.
 * malloc and its family are replaced in every test program by ones that pass through unless
 * torture_run is under way; not under AddressSanitizer, which replaces them itself
 * (torture_available() is then false).
 */
#ifndef KERF_TESTS_TORTURE_H
#define KERF_TESTS_TORTURE_H

#include "kerf/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef kerf_status torture_function(void *context, kerf_error *err);

bool torture_available(void);

/* Fails the running cmocka test unless the function succeeds untouched, and with its n-th
 * allocation failing (alone, and with all that follow) returns KERF_E_NOMEM with err filled, or
 * KERF_OK where it could do without; and frees all in either case. Goes through every n, or in a
 * quick run through about a thousand of them. Returns the number of allocations. */
size_t torture_run(torture_function *function, void *context);

/* Fills err with KERF_E_INTERNAL and the text, and returns that: the call's result is wrong. */
kerf_status torture_wrong(kerf_error *err, const char *text);

#endif
