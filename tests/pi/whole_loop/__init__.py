"""The whole loop on one machine, with an emulated Raspberry Pi 5 behind a real ssh server: ``make loop``.

A recogniser is deployed and serves there, and a hand that it was not trained on is read. What it was unsure of is kept,
corrected on the page in Chromium, and collected; the model goes on training with it, proves itself, is deployed
behind a canary and exchanged, and reads the hand again. Each step prints one line with its figures; where its effect is
missing, the loop ends there with exit status 1.
"""
