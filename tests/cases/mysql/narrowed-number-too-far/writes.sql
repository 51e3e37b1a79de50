UPDATE t SET i = {0..255} WHERE id = {1..150};
