"""The int8 network as whole numbers: what a TFLite file of Dense layers computes, and its four ways of rounding.

All that computes it without a TFLite runtime starts here: C for microcontrollers, Java, and the native runtime.
"""
