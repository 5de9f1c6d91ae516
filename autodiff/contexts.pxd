# contexts.py is compiled for its own sake: no signal's handler runs in the middle of __enter__.
