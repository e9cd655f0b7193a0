"""Raspberry Pis that need no Raspberry Pi: Debian userlands for ARM, run by QEMU's user-mode emulation.

Nothing of the machine underneath is changed: packages come through a private apt state, programs run in a
user and mount namespace of their own, and everything lies in ``build/pi``.
"""
