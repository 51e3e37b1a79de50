UPDATE t SET i = '{0..999}' WHERE id = {1..150};
