def register(*a):
    pass
