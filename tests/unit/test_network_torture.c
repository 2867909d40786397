/* Loading JSON networks with each allocation failing in turn. */
#include "kerf/network.h"
#include "tests/support/torture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct job {
    const char *path;
    size_t operators;
    int64_t macs;
} job;

static kerf_status load(void *context, kerf_error *err)
{
    const job *expected = context;
    kerf_network *network = NULL;
    kerf_status status = kerf_network_load(expected->path, NULL, &network, err);
    if (status == KERF_OK && (network->n_operators != expected->operators ||
                              network->macs != expected->macs || network->n_warnings != 0))
        status = torture_wrong(err, "the network is not what the file says");
    kerf_network_destroy(&network);
    return status;
}

static void torture(const char *path)
{
    kerf_error err = {0};
    kerf_network *network = NULL;
    if (!torture_available())
        skip();
    assert_int_equal(kerf_network_load(path, NULL, &network, &err), KERF_OK);
    job expected = {path, network->n_operators, network->macs};
    kerf_network_destroy(&network);
    torture_run(load, &expected);
}

static void everything(void **state)
{
    (void)state;
    torture("tests/data/networks/everything.json");
}

static void bundled(void **state)
{
    (void)state;
    torture("configs/networks/squeezenet.json");
}

static kerf_status refuse(void *context, kerf_error *err)
{
    (void)context;
    kerf_network *network = NULL;
    kerf_status status = kerf_network_load("configs/links/lte.json", NULL, &network, err);
    if (status == KERF_E_INVALID && strcmp(err->where, "/format") == 0)
        return KERF_OK;
    return status == KERF_E_NOMEM ? status : torture_wrong(err, "another error");
}

static void refusals(void **state)
{
    (void)state;
    if (!torture_available())
        skip();
    torture_run(refuse, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything),
        cmocka_unit_test(bundled),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
