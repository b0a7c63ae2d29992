// MAS_EACH(what, a, b, c): what(a), what(b), what(c). Up to 64 arguments; C++17 has no recursion of macros.
#ifndef MAS_EACH_HPP
#define MAS_EACH_HPP

#define MAS_EACH_PICK(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17, _18, _19, _20, _21, \
                      _22, _23, _24, _25, _26, _27, _28, _29, _30, _31, _32, _33, _34, _35, _36, _37, _38, _39, _40,  \
                      _41, _42, _43, _44, _45, _46, _47, _48, _49, _50, _51, _52, _53, _54, _55, _56, _57, _58, _59,  \
                      _60, _61, _62, _63, _64, picked, ...)                                                           \
  picked
// The 0 stands for arguments that the last step does not use.
#define MAS_EACH(what, ...)                                                                                            \
  MAS_EACH_PICK(__VA_ARGS__, MAS_EACH_64, MAS_EACH_63, MAS_EACH_62, MAS_EACH_61, MAS_EACH_60, MAS_EACH_59,             \
                MAS_EACH_58, MAS_EACH_57, MAS_EACH_56, MAS_EACH_55, MAS_EACH_54, MAS_EACH_53, MAS_EACH_52,             \
                MAS_EACH_51, MAS_EACH_50, MAS_EACH_49, MAS_EACH_48, MAS_EACH_47, MAS_EACH_46, MAS_EACH_45,             \
                MAS_EACH_44, MAS_EACH_43, MAS_EACH_42, MAS_EACH_41, MAS_EACH_40, MAS_EACH_39, MAS_EACH_38,             \
                MAS_EACH_37, MAS_EACH_36, MAS_EACH_35, MAS_EACH_34, MAS_EACH_33, MAS_EACH_32, MAS_EACH_31,             \
                MAS_EACH_30, MAS_EACH_29, MAS_EACH_28, MAS_EACH_27, MAS_EACH_26, MAS_EACH_25, MAS_EACH_24,             \
                MAS_EACH_23, MAS_EACH_22, MAS_EACH_21, MAS_EACH_20, MAS_EACH_19, MAS_EACH_18, MAS_EACH_17,             \
                MAS_EACH_16, MAS_EACH_15, MAS_EACH_14, MAS_EACH_13, MAS_EACH_12, MAS_EACH_11, MAS_EACH_10, MAS_EACH_9, \
                MAS_EACH_8, MAS_EACH_7, MAS_EACH_6, MAS_EACH_5, MAS_EACH_4, MAS_EACH_3, MAS_EACH_2, MAS_EACH_1, 0)     \
  (what, __VA_ARGS__, 0)

#define MAS_EACH_1(what, member, ...) what(member)
#define MAS_EACH_2(what, member, ...) what(member), MAS_EACH_1(what, __VA_ARGS__)
#define MAS_EACH_3(what, member, ...) what(member), MAS_EACH_2(what, __VA_ARGS__)
#define MAS_EACH_4(what, member, ...) what(member), MAS_EACH_3(what, __VA_ARGS__)
#define MAS_EACH_5(what, member, ...) what(member), MAS_EACH_4(what, __VA_ARGS__)
#define MAS_EACH_6(what, member, ...) what(member), MAS_EACH_5(what, __VA_ARGS__)
#define MAS_EACH_7(what, member, ...) what(member), MAS_EACH_6(what, __VA_ARGS__)
#define MAS_EACH_8(what, member, ...) what(member), MAS_EACH_7(what, __VA_ARGS__)
#define MAS_EACH_9(what, member, ...) what(member), MAS_EACH_8(what, __VA_ARGS__)
#define MAS_EACH_10(what, member, ...) what(member), MAS_EACH_9(what, __VA_ARGS__)
#define MAS_EACH_11(what, member, ...) what(member), MAS_EACH_10(what, __VA_ARGS__)
#define MAS_EACH_12(what, member, ...) what(member), MAS_EACH_11(what, __VA_ARGS__)
#define MAS_EACH_13(what, member, ...) what(member), MAS_EACH_12(what, __VA_ARGS__)
#define MAS_EACH_14(what, member, ...) what(member), MAS_EACH_13(what, __VA_ARGS__)
#define MAS_EACH_15(what, member, ...) what(member), MAS_EACH_14(what, __VA_ARGS__)
#define MAS_EACH_16(what, member, ...) what(member), MAS_EACH_15(what, __VA_ARGS__)
#define MAS_EACH_17(what, member, ...) what(member), MAS_EACH_16(what, __VA_ARGS__)
#define MAS_EACH_18(what, member, ...) what(member), MAS_EACH_17(what, __VA_ARGS__)
#define MAS_EACH_19(what, member, ...) what(member), MAS_EACH_18(what, __VA_ARGS__)
#define MAS_EACH_20(what, member, ...) what(member), MAS_EACH_19(what, __VA_ARGS__)
#define MAS_EACH_21(what, member, ...) what(member), MAS_EACH_20(what, __VA_ARGS__)
#define MAS_EACH_22(what, member, ...) what(member), MAS_EACH_21(what, __VA_ARGS__)
#define MAS_EACH_23(what, member, ...) what(member), MAS_EACH_22(what, __VA_ARGS__)
#define MAS_EACH_24(what, member, ...) what(member), MAS_EACH_23(what, __VA_ARGS__)
#define MAS_EACH_25(what, member, ...) what(member), MAS_EACH_24(what, __VA_ARGS__)
#define MAS_EACH_26(what, member, ...) what(member), MAS_EACH_25(what, __VA_ARGS__)
#define MAS_EACH_27(what, member, ...) what(member), MAS_EACH_26(what, __VA_ARGS__)
#define MAS_EACH_28(what, member, ...) what(member), MAS_EACH_27(what, __VA_ARGS__)
#define MAS_EACH_29(what, member, ...) what(member), MAS_EACH_28(what, __VA_ARGS__)
#define MAS_EACH_30(what, member, ...) what(member), MAS_EACH_29(what, __VA_ARGS__)
#define MAS_EACH_31(what, member, ...) what(member), MAS_EACH_30(what, __VA_ARGS__)
#define MAS_EACH_32(what, member, ...) what(member), MAS_EACH_31(what, __VA_ARGS__)
#define MAS_EACH_33(what, member, ...) what(member), MAS_EACH_32(what, __VA_ARGS__)
#define MAS_EACH_34(what, member, ...) what(member), MAS_EACH_33(what, __VA_ARGS__)
#define MAS_EACH_35(what, member, ...) what(member), MAS_EACH_34(what, __VA_ARGS__)
#define MAS_EACH_36(what, member, ...) what(member), MAS_EACH_35(what, __VA_ARGS__)
#define MAS_EACH_37(what, member, ...) what(member), MAS_EACH_36(what, __VA_ARGS__)
#define MAS_EACH_38(what, member, ...) what(member), MAS_EACH_37(what, __VA_ARGS__)
#define MAS_EACH_39(what, member, ...) what(member), MAS_EACH_38(what, __VA_ARGS__)
#define MAS_EACH_40(what, member, ...) what(member), MAS_EACH_39(what, __VA_ARGS__)
#define MAS_EACH_41(what, member, ...) what(member), MAS_EACH_40(what, __VA_ARGS__)
#define MAS_EACH_42(what, member, ...) what(member), MAS_EACH_41(what, __VA_ARGS__)
#define MAS_EACH_43(what, member, ...) what(member), MAS_EACH_42(what, __VA_ARGS__)
#define MAS_EACH_44(what, member, ...) what(member), MAS_EACH_43(what, __VA_ARGS__)
#define MAS_EACH_45(what, member, ...) what(member), MAS_EACH_44(what, __VA_ARGS__)
#define MAS_EACH_46(what, member, ...) what(member), MAS_EACH_45(what, __VA_ARGS__)
#define MAS_EACH_47(what, member, ...) what(member), MAS_EACH_46(what, __VA_ARGS__)
#define MAS_EACH_48(what, member, ...) what(member), MAS_EACH_47(what, __VA_ARGS__)
#define MAS_EACH_49(what, member, ...) what(member), MAS_EACH_48(what, __VA_ARGS__)
#define MAS_EACH_50(what, member, ...) what(member), MAS_EACH_49(what, __VA_ARGS__)
#define MAS_EACH_51(what, member, ...) what(member), MAS_EACH_50(what, __VA_ARGS__)
#define MAS_EACH_52(what, member, ...) what(member), MAS_EACH_51(what, __VA_ARGS__)
#define MAS_EACH_53(what, member, ...) what(member), MAS_EACH_52(what, __VA_ARGS__)
#define MAS_EACH_54(what, member, ...) what(member), MAS_EACH_53(what, __VA_ARGS__)
#define MAS_EACH_55(what, member, ...) what(member), MAS_EACH_54(what, __VA_ARGS__)
#define MAS_EACH_56(what, member, ...) what(member), MAS_EACH_55(what, __VA_ARGS__)
#define MAS_EACH_57(what, member, ...) what(member), MAS_EACH_56(what, __VA_ARGS__)
#define MAS_EACH_58(what, member, ...) what(member), MAS_EACH_57(what, __VA_ARGS__)
#define MAS_EACH_59(what, member, ...) what(member), MAS_EACH_58(what, __VA_ARGS__)
#define MAS_EACH_60(what, member, ...) what(member), MAS_EACH_59(what, __VA_ARGS__)
#define MAS_EACH_61(what, member, ...) what(member), MAS_EACH_60(what, __VA_ARGS__)
#define MAS_EACH_62(what, member, ...) what(member), MAS_EACH_61(what, __VA_ARGS__)
#define MAS_EACH_63(what, member, ...) what(member), MAS_EACH_62(what, __VA_ARGS__)
#define MAS_EACH_64(what, member, ...) what(member), MAS_EACH_63(what, __VA_ARGS__)

#endif  // MAS_EACH_HPP
