/* Every public call that allocates, with each of its allocations failing. */
#include "tests/support/torture.h"

#include "kerf/kerf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void *const UNTOUCHED = (void *)&UNTOUCHED;

static void torture(torture_function *function, void *context)
{
    if (!torture_available()) {
        print_message("# malloc cannot be replaced in this build\n");
        skip();
    }
    size_t count = torture_run(function, context);
    print_message("# %zu allocations\n", count);
    assert_true(count > 0);
}

static kerf_status load_link(void *path, kerf_error *err)
{
    kerf_link *link = UNTOUCHED;
    kerf_status status = kerf_link_load(path, &link, err);
    if (status != KERF_OK)
        return link == UNTOUCHED ? status : torture_wrong(err, "the output was touched");
    if (!link->description || !(link->rate_bps[KERF_UPLINK] > 0) || !(link->active_W[0] > 0) ||
        (strstr(path, "lte") && (strcmp(link->name, "lte") != 0 || !link->provenance)))
        status = torture_wrong(err, "fields are missing");
    kerf_link_destroy(&link);
    return status;
}

static kerf_status load_device(void *path, kerf_error *err)
{
    kerf_device *device = UNTOUCHED;
    kerf_status status = kerf_device_load(path, &device, err);
    if (status != KERF_OK)
        return device == UNTOUCHED ? status : torture_wrong(err, "the output was touched");
    if (!device->name || !device->provenance || !device->fit || !device->assumptions ||
        device->n_modes == 0 || !device->modes[device->n_modes - 1].name)
        status = torture_wrong(err, "fields are missing");
    kerf_device_destroy(&device);
    return status;
}

static void test_link(void **state)
{
    (void)state;
    torture(load_link, "configs/links/lte.json");
    torture(load_link, "tests/data/links/measured.json");
    torture(load_link, "tests/data/links/theory.json");
}

static void test_device(void **state)
{
    (void)state;
    torture(load_device, "configs/devices/jetson-tx2.json");
    torture(load_device, "configs/servers/edge-gpu.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link),
        cmocka_unit_test(test_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
