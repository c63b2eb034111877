"""Sound: files, sampling rates, mel spectra and cepstrum coefficients; NumPy alone."""
