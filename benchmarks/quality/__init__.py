"""Quality: accuracy, parity with the Keras model, and robustness."""
