"""One file per indicator on candles."""
