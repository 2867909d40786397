/* Pricers, with each of their allocations failing. */
#include "kerf/device.h"
#include "tests/support/net_builder.h"
#include "tests/support/torture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void *const UNTOUCHED = (void *)&UNTOUCHED;

static kerf_network *toy(void)
{
    kerf_network *net = nb_network("toy");
    size_t tensor = nb_input(net, "x", 400);
    tensor = nb_operator(net, "conv", KERF_CLASS_CONV, 1000, 40, 10, 1, &tensor, 400);
    tensor = nb_operator(net, "relu", KERF_CLASS_ELEMENTWISE, 0, 0, 0, 1, &tensor, 400);
    nb_output(net, tensor);
    nb_group(net, 2, (size_t[]){0, 1});
    nb_finish(net);
    return net;
}

static kerf_status make_pricer(void *network, kerf_error *err)
{
    kerf_power_mode mode = {.name = (char *)"test", .launch_s = 5, .launch_J = 5};
    struct kerf_measured figures[] = {{(char *)"relu", 1, 1}, {(char *)"conv", 2, 2}};
    char *names[] = {(char *)"relu", (char *)"conv"};
    struct kerf_measured_group groups[] = {{names, 2, 9, 9}, {names, 1, 1, 1}};
    kerf_profile profile = {
        .operators = figures, .n_operators = 2, .groups = groups, .n_groups = 2};
    kerf_pricer *pricer = UNTOUCHED;
    kerf_status status = kerf_pricer_create(network, &mode, &profile, &pricer, err);
    if (status != KERF_OK)
        return pricer == UNTOUCHED ? status : torture_wrong(err, "the output was touched");
    kerf_cost cost = kerf_price_part(pricer, 0, 0, 2);
    if (cost.latency_s < 3 || cost.latency_s > 3)
        status = torture_wrong(err, "the cost is wrong");
    kerf_pricer_destroy(&pricer);
    return status;
}

static void making_a_pricer(void **state)
{
    (void)state;
    if (!torture_available()) {
        print_message("# malloc cannot be replaced in this build\n");
        skip();
    }
    kerf_network *net = toy();
    assert_true(torture_run(make_pricer, net) > 0);
    kerf_network_destroy(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making_a_pricer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
