UPDATE t SET j = {'[]'|NULL} WHERE id = {1..150};
