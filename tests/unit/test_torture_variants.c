/* Memory that runs out while the command loads a question with variants and encodings. */
#include "planner/cli/scene.h"
#include "tests/support/torture.h"

#include "base/error.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The command says on stderr what is wrong; here it is enough that it fails and frees all. */
static kerf_status load_scene(void *context, kerf_error *err)
{
    cli_scene scene;
    const cli_exit exit_status = cli_scene_load(context, &scene);
    kerf_status status = KERF_OK;
    if (exit_status != CLI_DONE)
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    else if (scene.question.n_variants != 3 || scene.question.n_encodings != 3 ||
             !scene.question.variants[2].network->pruned ||
             !scene.question.variants[0].device_profile)
        status = torture_wrong(err, "the question is not whole");
    cli_scene_clear(&scene);
    return status;
}

static void loading_variants(void **state)
{
    (void)state;
    if (!torture_available()) {
        print_message("# malloc cannot be replaced in this build\n");
        skip();
    }
    const char *pin = "conv1=device";
    cli_settings settings = {.argument = "tests/data/cli/networks/chain.json",
                             .device = "tests/data/cli/devices/board.json",
                             .server = "tests/data/cli/servers/box.json",
                             .link = "tests/data/cli/links/plain.json",
                             .device_profile = "tests/data/cli/profiles/chain-groups.json",
                             .variants = "tests/data/cli/variants/chain.json",
                             .wire_name = "any",
                             .power_mode = "any",
                             .pins = {&pin, 1},
                             .uplink_bps = (double)NAN,
                             .downlink_bps = (double)NAN,
                             .rtt_s = (double)NAN,
                             .loss = (double)NAN,
                             .gap_s = (double)NAN,
                             .connection = -1,
                             .result = KERF_TIER_DEVICE,
                             .quiet = true};
    assert_true(torture_run(load_scene, &settings) > 0);
}

int main(void)
{
    /* Thousands of messages that nobody wants; a buffer for them would look like a leak. */
    if (!freopen("/dev/null", "w", stderr) || setvbuf(stderr, NULL, _IONBF, 0) != 0 ||
        setenv("KERF_PATH", "tests/data/cli", 1) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loading_variants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
