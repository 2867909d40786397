/* Matrix products, Einsum, recurrent layers, attention: sizes and MACs worked by hand. */
#include "tests/support/shape_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_matmul(void **state)
{
    static const shape_case cases[] = {
        {"MatMul", 13, "f2x3; w3x4", "", "f2x4", 24, "fc"},
        {"MatMul", 13, "f2x3; f3x4", "", "f2x4", 24, "matmul"},
        {"MatMul", 13, "f8x1x2x3; f5x3x4", "", "f8x5x2x4", 8 * 5 * 24, "matmul"},
        {"MatMul", 13, "f3; f3", "", "f", 3, NULL},
        {"MatMul", 13, "f3; f3x4", "", "f4", 12, NULL},
        {"MatMul", 13, "f5x2x3; f3", "", "f5x2", 30, NULL},
        {"MatMul", 13, "f?x7x3; w3x4", "", "f?x7x4", 0, "fc"},
        {"MatMul", 13, "f*; w3x4", "", "f*", 0, "fc"},
        {"MatMul", 13, "f2x0; f0x4", "", "f2x4", 0, NULL},
        {"MatMul", 13, "f2x3; w4x4", "", "!2x3 and 4x4", 0, NULL},
        {"MatMul", 13, "f; f3", "", "!cannot be multiplied", 0, NULL},
        {"MatMul", 13, "f2x2x3; f5x3x4", "", "!cannot be multiplied", 0, NULL},
        {"MatMulInteger", 10, "B2x3; Q3x4", "", "m2x4", 24, "fc"},
        {"QLinearMatMul", 10, "B2x3; w; Q; q3x4; w; q; w; Q", "", "B2x4", 24, "fc"},
        {"com.microsoft::FusedMatMul", 1, "f5x3x2; f4x3", "transA=1 transB=1", "f5x2x4", 120,
         "matmul"},
        {"com.microsoft::MatMulIntegerToFloat", 1, "B2x3; Q3x4; w; w", "", "f2x4", 24, "fc"},
        {"com.microsoft::DynamicQuantizeMatMul", 1, "f2x3; q3x4; w", "", "f2x4", 24, "fc"},
        {"com.microsoft::MatMulNBits", 1, "f2x5x64; Q32x2x16; w64", "K=64 N=32 bits=4", "f2x5x32",
         2 * 5 * 32 * 64, "fc"},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

static void test_gemm(void **state)
{
    static const shape_case cases[] = {
        {"Gemm", 11, "f2x512; w1000x512; w1000", "transB=1", "f2x1000", 1024000, "fc"},
        {"Gemm", 11, "f512x2; w512x10; w2x1", "transA=1", "f2x10", 10240, "fc"},
        {"Gemm", 13, "f2x3; f3x4", "", "f2x4", 24, "matmul"},
        {"Gemm", 13, "f?x3; w3x4", "", "f?x4", 0, "fc"},
        {"Gemm", 13, "f2x3; w4x3", "", "!cannot be multiplied", 0, NULL},
        {"Gemm", 13, "f2x3x1; w3x4", "", "!expected 2 dimensions", 0, NULL},
        {"Gemm", 13, "f2x3; w3x4; w3", "", "!cannot be broadcast", 0, NULL},
        {"Gemm", 13, "f2x3; w3x4; w1x2x4", "", "!cannot be broadcast", 0, NULL},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

/* MACs: the product of the extents of all indices. */
static void test_einsum(void **state)
{
    static const shape_case cases[] = {
        {"Einsum", 12, "f2x3; f3x4", "equation=ij,jk->ik", "f2x4", 24, "matmul"},
        {"Einsum", 12, "f2x3; w3x4", "equation=ij,jk", "f2x4", 24, "fc"},
        {"Einsum", 12, "f2x5x3x7; f2x5x7x4", "equation=...ij,...jk->...ik", "f2x5x3x4",
         2 * 5 * 3 * 7 * 4, NULL},
        {"Einsum", 12, "f5x3x7; f2x1x7x4", "equation=...ij,...jk->i...k", "f3x2x5x4",
         2 * 5 * 3 * 7 * 4, NULL},
        {"Einsum", 12, "f4x4", "equation=ii->i", "f4", 4, NULL},
        {"Einsum", 12, "f4x4", "equation=ii", "f", 4, NULL},
        {"Einsum", 12, "f2x3", "equation=ba", "f3x2", 6, NULL},
        {"Einsum", 12, "f2x3; f2x3", "equation=ij,ij->", "f", 6, NULL},
        {"Einsum", 12, "f2x8x5x4; f2x8x6x4", "equation=bhid,bhjd->bhij", "f2x8x5x6",
         2 * 8 * 5 * 6 * 4, "matmul"},
        {"Einsum", 12, "f?x3; f3x4", "equation=ij,jk->ik", "f?x4", 0, NULL},
        {"Einsum", 12, "f*; f3x4", "equation=...j,jk->...k", "f*", 0, NULL},
        {"Einsum", 12, "f2x3; f4x5", "equation=ij,jk->ik", "!'j' has two sizes", 0, NULL},
        {"Einsum", 12, "f2x3", "equation=ij,jk->ik", "!more terms", 0, NULL},
        {"Einsum", 12, "f2x3; f3x4", "equation=ij->i", "!1 terms for 2", 0, NULL},
        {"Einsum", 12, "f2x3", "equation=i?->i", "!malformed", 0, NULL},
        {"Einsum", 12, "f2x3", "equation=ij->k", "!in no operand", 0, NULL},
        {"Einsum", 12, "f2x3", "equation=ijk->i", "!2 dimensions", 0, NULL},
        {"Einsum", 12, "f2x3", "", "!equation is missing", 0, NULL},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

static void test_recurrent(void **state)
{
    static const shape_case cases[] = {
        /* 10 steps, batch 2, 4 gates, hidden 16, 8 + 16 wide. */
        {"LSTM", 14, "f10x2x8; w1x64x8; w1x64x16; w1x128", "hidden_size=16",
         "f10x1x2x16; f1x2x16; f1x2x16", 10 * 2 * 4 * 16 * 24, "recurrent"},
        {"LSTM", 14, "f10x2x8; w2x64x8; w2x64x16; w2x128", "direction=bidirectional hidden_size=16",
         "f10x2x2x16; f2x2x16; f2x2x16", 2 * 10 * 2 * 4 * 16 * 24, NULL},
        {"LSTM", 14, "f2x10x8; w1x64x8; w1x64x16", "layout=1", "f2x10x1x16; f2x1x16; f2x1x16",
         10 * 2 * 4 * 16 * 24, NULL},
        {"LSTM", 14, "f10x2x8; w1x64x8; w1x64x16", "direction=reverse", "-; f1x2x16; -",
         10 * 2 * 4 * 16 * 24, NULL},
        {"GRU", 14, "f10x2x8; w1x48x8; w1x48x16", "hidden_size=16", "f10x1x2x16; f1x2x16",
         10 * 2 * 3 * 16 * 24, "recurrent"},
        {"RNN", 14, "f10x2x8; w1x16x8; w1x16x16", "hidden_size=16", "f10x1x2x16; f1x2x16",
         10 * 2 * 16 * 24, "recurrent"},
        {"com.microsoft::DynamicQuantizeLSTM", 1, "f10x2x8; q1x8x64; q1x16x64", "hidden_size=16",
         "f10x1x2x16", 10 * 2 * 4 * 16 * 24, "recurrent"},
        {"LSTM", 14, "f?x2x8; w1x64x8; w1x64x16", "", "f?x1x2x16; f1x2x16", 0, NULL},
        {"LSTM", 14, "f10x2x9; w1x64x8; w1x64x16", "", "!do not fit", 0, NULL},
        {"LSTM", 14, "f10x2x8; w1x64x8; w1x64x16", "hidden_size=15", "!do not fit", 0, NULL},
        {"LSTM", 14, "f10x2x8; w1x64x8; w1x64x16", "direction=bidirectional", "!2 directions", 0,
         NULL},
        {"LSTM", 14, "f10x2x8; w1x64x8; w1x64x16", "direction=sideways", "!sideways", 0, NULL},
        {"LSTM", 14, "f10x8; w1x64x8; w1x64x16", "", "!expected 3 dimensions", 0, NULL},
        {"LSTM", 14, "f10x2x8; w1x64x8; w1x64x16", "hidden_size=-3", "!hidden_size", 0, NULL},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

static void test_attention(void **state)
{
    static const shape_case cases[] = {
        /* Projection 2*5*12*36, scores and their product with V 2*5*5*24. */
        {"com.microsoft::Attention", 1, "f2x5x12; w12x36; w36", "num_heads=3", "f2x5x12",
         2 * 5 * 12 * 36 + 2 * 5 * 5 * 24, "matmul"},
        {"com.microsoft::Attention", 1, "f2x5x12; w13x36; w36", "num_heads=3", "!do not fit", 0,
         NULL},
        {"com.microsoft::MultiHeadAttention", 1, "f2x5x12; f2x7x12; f2x7x12", "num_heads=3",
         "f2x5x12; f2x3x7x4; f2x3x7x4", 2 * 5 * 7 * 24, "matmul"},
        {"com.microsoft::GroupQueryAttention", 1, "f1x6x32; f1x6x16; f1x6x16",
         "num_heads=8 kv_num_heads=4", "f1x6x32; f1x4x6x4", 6 * 6 * 64, "matmul"},
        {"com.microsoft::SkipLayerNormalization", 1, "f2x5x12; f2x5x12; w12; w12", "",
         "f2x5x12; f2x5x1; f2x5x1; f2x5x12", 0, "norm"},
        {"com.microsoft::EmbedLayerNormalization", 1, "m2x5; m2x5; w99x12; w16x12; w2x12; w12; w12",
         "", "f2x5x12; m2", 0, "norm"},
        {"Attention", 23, "f2x4x5x8; f2x2x7x8; f2x2x7x6", "", "f2x4x5x6; f2x2x7x8; f2x2x7x6",
         2 * 4 * 5 * 7 * 14, "matmul"},
        {"Attention", 23, "f2x5x32; f2x7x16; f2x7x12", "q_num_heads=4 kv_num_heads=2", "f2x5x24",
         2 * 4 * 5 * 7 * 14, NULL},
        {"Attention", 23, "f2x5x32; f2x7x16; f2x7x12", "q_num_heads=5 kv_num_heads=2", "!5 heads",
         0, NULL},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matmul),    cmocka_unit_test(test_gemm),
        cmocka_unit_test(test_einsum),    cmocka_unit_test(test_recurrent),
        cmocka_unit_test(test_attention),
    };
    return cmocka_run_group_tests_name("shape: matrix products", tests, NULL, NULL);
}
